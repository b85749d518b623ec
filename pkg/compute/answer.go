package compute

import (
	"encoding/json"
	"net/http"
	"time"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// readAnswer is an instance as lists and gets show it.
type readAnswer struct {
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

// writeAnswer is an instance as the answers to writes show it.
type writeAnswer struct {
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

// updatedAt returns when i was last changed or seen.
func updatedAt(i instance.Instance, now time.Time) date {
	if seen := lastConnection(i, now); seen != nil && time.Time(*seen).After(i.UpdatedAt) {
		return *seen
	}
	return date(i.UpdatedAt)
}

// encoder encodes instances as they are at a time.
type encoder struct {
	now         time.Time
	silentAfter time.Duration
}

// encoder returns an encoder for the current time.
func (s Settings) encoder() encoder { return encoder{s.Now(), s.SilentAfter} }

// status derives whether i is available. A time too far in the future,
// which a clock that was ahead has left, says nothing: otherwise a silent
// instance would stay available until then. The next heartbeat corrects it.
func (e encoder) status(i instance.Instance, a attributes) int {
	recent := func(t time.Time) bool { return e.now.Sub(t).Abs() < e.silentAfter }
	if i.Status == started && (recent(time.UnixMilli(a.StartedAt)) || recent(i.LastSeenAt)) {
		return available
	}
	return notAvailable
}

// read returns i as lists and gets show it.
func (e encoder) read(i instance.Instance, p profile) (readAnswer, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return readAnswer{}, err
	}
	out := readAnswer{
		UUID: i.ID, Type: a.Type, GPU: orNone(a.GPU), GPUName: orNone(a.GPUName),
		NumRunningJobs: a.NumRunningJobs, NumAssignedJobs: a.NumAssignedJobs,
		UpdatedAt: updatedAt(i, e.now), CreatedAt: date(i.CreatedAt), CurrentServerTime: date(e.now),
		LastConnection: lastConnection(i, e.now), Name: i.Name, Status: e.status(i, a), AskPrice: a.AskPrice,
		DownloadedImages: orEmpty(a.DownloadedImages), MaxNumParallelJobs: a.MaxNumParallelJobs,
	}
	if p.numbers {
		out.Type = typeNumber(a.Type)
	}
	return out, nil
}

// written returns i as the answer to a write shows it.
func (e encoder) written(i instance.Instance) (writeAnswer, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return writeAnswer{}, err
	}
	out := writeAnswer{
		UUID: i.ID, CurrentServerTime: date(e.now), NumRunningJobs: a.NumRunningJobs, NumAssignedJobs: a.NumAssignedJobs,
		GPUName: orNone(a.GPUName), UpdatedAt: updatedAt(i, e.now), CreatedAt: date(i.CreatedAt),
		LastConnection: lastConnection(i, e.now), Type: typeNumber(a.Type), Name: i.Name, Status: e.status(i, a),
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

// answerRead returns the answer to a get of i.
func answerRead(i instance.Instance, e encoder, p profile) (httpjson.Answer, error) {
	body, err := e.read(i, p)
	if err != nil {
		return httpjson.Answer{}, err
	}
	return answerWith(http.StatusOK, i, body)
}

// answerWritten returns the answer to a write of i.
func answerWritten(status int, i instance.Instance, e encoder) (httpjson.Answer, error) {
	body, err := e.written(i)
	if err != nil {
		return httpjson.Answer{}, err
	}
	return answerWith(status, i, body)
}

// answerWith returns an answer with a body that shows i.
func answerWith(status int, i instance.Instance, body any) (httpjson.Answer, error) {
	answer, err := httpjson.NewAnswer(status, body)
	answer.ETag = httpjson.ETag(i.Revision())
	return answer, err
}
