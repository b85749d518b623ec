package compute

import (
	"encoding/json"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
	"time"
)

// read is an instance as lists and gets show it.
type read struct {
	UUID               string      `json:"uuid"`
	Type               any         `json:"type"`
	GPU                string      `json:"gpu"`
	GPUName            string      `json:"gpu_name"`
	NumRunningJobs     int64       `json:"num_running_jobs"`
	UpdatedAt          date        `json:"updated_at"`
	CreatedAt          date        `json:"created_at"`
	NumAssignedJobs    int64       `json:"num_assigned_jobs"`
	CurrentServerTime  date        `json:"current_server_time"`
	LastConnection     *date       `json:"last_connection"`
	Name               string      `json:"name"`
	Status             int         `json:"status"`
	AskPrice           json.Number `json:"ask_price"`
	DownloadedImages   []string    `json:"downloaded_images"`
	MaxNumParallelJobs int64       `json:"max_num_parallel_jobs"`
}

// written is an instance as the answers to writes show it.
type written struct {
	UUID               string      `json:"uuid"`
	CurrentServerTime  date        `json:"current_server_time"`
	NumRunningJobs     int64       `json:"num_running_jobs"`
	NumAssignedJobs    int64       `json:"num_assigned_jobs"`
	GPUName            string      `json:"gpu_name"`
	UpdatedAt          date        `json:"updated_at"`
	CreatedAt          date        `json:"created_at"`
	LastConnection     *date       `json:"last_connection"`
	Type               int         `json:"type"`
	Name               string      `json:"name"`
	Status             int         `json:"status"`
	AskPrice           json.Number `json:"ask_price"`
	MaxNumParallelJobs int64       `json:"max_num_parallel_jobs"`
	GPU                *string     `json:"gpu"`
	DownloadedImages   []string    `json:"downloaded_images"`
}

// date is a time in answers: DD-MM-YYYY HH:MM:SS in UTC.
type date time.Time

// MarshalJSON returns the time as a string.
func (d date) MarshalJSON() ([]byte, error) {
	return time.Time(d).UTC().AppendFormat(nil, `"02-01-2006 15:04:05"`), nil
}

// lastConnection returns when i was last seen, or nil for never. A time in the
// future, which a clock that was ahead has left, counts as now.
func lastConnection(i instance.Instance, now time.Time) *date {
	if i.LastSeenAt.IsZero() {
		return nil
	}
	d := date(i.LastSeenAt)
	if i.LastSeenAt.After(now) {
		d = date(now)
	}
	return &d
}

// status derives whether i is available at now. A time too far in the future,
// which a clock that was ahead has left, says nothing: otherwise a silent
// instance would stay available until then. The next heartbeat corrects it.
func (s Settings) status(i instance.Instance, a attributes, now time.Time) int {
	recent := func(t time.Time) bool { return now.Sub(t).Abs() < s.SilentAfter }
	if i.Status == started && (recent(time.UnixMilli(a.StartedAt)) || recent(i.LastSeenAt)) {
		return available
	}
	return notAvailable
}

// encodeRead returns i as lists and gets show it at now.
func (s Settings) encodeRead(i instance.Instance, p profile, now time.Time) (read, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return read{}, err
	}
	out := read{
		UUID: i.ID, Type: a.Type, GPU: orNone(a.GPU), GPUName: orNone(a.GPUName),
		NumRunningJobs: a.NumRunningJobs, NumAssignedJobs: a.NumAssignedJobs,
		UpdatedAt: date(i.UpdatedAt), CreatedAt: date(i.CreatedAt), CurrentServerTime: date(now),
		LastConnection: lastConnection(i, now), Name: i.Name, Status: s.status(i, a, now), AskPrice: a.AskPrice,
		DownloadedImages: orEmpty(a.DownloadedImages), MaxNumParallelJobs: a.MaxNumParallelJobs,
	}
	if p.numbers {
		out.Type = typeNumber(a.Type)
	}
	return out, nil
}

// encodeWritten returns i as the answer to a write shows it at now.
func (s Settings) encodeWritten(i instance.Instance, now time.Time) (written, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return written{}, err
	}
	out := written{
		UUID: i.ID, CurrentServerTime: date(now), NumRunningJobs: a.NumRunningJobs, NumAssignedJobs: a.NumAssignedJobs,
		GPUName: orNone(a.GPUName), UpdatedAt: date(i.UpdatedAt), CreatedAt: date(i.CreatedAt),
		LastConnection: lastConnection(i, now), Type: typeNumber(a.Type), Name: i.Name, Status: s.status(i, a, now),
		AskPrice: a.AskPrice, MaxNumParallelJobs: a.MaxNumParallelJobs, DownloadedImages: orEmpty(a.DownloadedImages),
	}
	if a.GPU != "" {
		out.GPU = &a.GPU
	}
	return out, nil
}

// typeNumber returns the number of a type.
func typeNumber(name string) int {
	if name == typeGPU {
		return numberGPU
	}
	return numberCPU
}

// orNone returns text, or what stands for none.
func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

// orEmpty returns list, or an empty one that encodes as [].
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// answerWritten returns the answer to a write of i.
func (s Settings) answerWritten(status int, i instance.Instance) (httpjson.Answer, error) {
	body, err := s.encodeWritten(i, s.Now())
	if err != nil {
		return httpjson.Answer{}, err
	}
	answer, err := httpjson.NewAnswer(status, body)
	answer.ETag = httpjson.ETag(i.Revision())
	return answer, err
}
