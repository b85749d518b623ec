package dynamo

import (
	"context"
	"time"

	"instances/pkg/instance"
)

// CountExpired returns nothing: idempotency and history records that have
// expired count as absent, and the table's time to live removes them free of
// charge. It makes no call.
func (r *Repository) CountExpired(context.Context, time.Time) (instance.Expired, error) {
	return instance.Expired{}, nil
}

// PurgeExpired does nothing, as there is nothing left to do: see
// [Repository.CountExpired].
func (r *Repository) PurgeExpired(context.Context, time.Time, int) (instance.Expired, error) {
	return instance.Expired{}, nil
}
