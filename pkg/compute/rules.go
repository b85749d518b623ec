package compute

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"instances/pkg/instance"
)

// replace returns i with everything as in gives it, and the defaults for what
// it does not give.
func (in input) replace(i instance.Instance) (instance.Instance, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return instance.Instance{}, err
	}
	f := newFields(nil)
	i.Name = valueOr(in.name, "")
	a.AskPrice = valueOr(in.askPrice, "")
	a.Type = valueOr(in.kind, typeCPU)
	a.MaxNumParallelJobs = valueOr(in.maxNumParallelJobs, 1)
	a.GPU, a.GPUName = in.card.UUID, in.card.Name
	switch {
	case a.Type == typeGPU && valueOr(in.gpu, "") == "":
		f.Reject("gpu", msgGPUNeeded)
	case a.Type == typeCPU && valueOr(in.gpu, "") != "":
		f.Reject("gpu", msgGPUNeedless)
	}
	if a.Type == typeGPU && a.MaxNumParallelJobs > 1 {
		f.Reject("max_num_parallel_jobs", msgParallel)
	}
	if err := f.Err(); err != nil {
		return instance.Instance{}, err
	}
	return withAttributes(i, a)
}

// patch returns i with what in gives. Its errors are about what in and i
// together would be.
func (in input) patch(i instance.Instance) (instance.Instance, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return instance.Instance{}, err
	}
	f := newFields(nil)
	was := a.Type
	i.Name = valueOr(in.name, i.Name)
	a.AskPrice = valueOr(in.askPrice, a.AskPrice)
	a.Type = valueOr(in.kind, a.Type)
	if a.Type == typeGPU {
		a.patchGPU(f, in, was)
	} else {
		if valueOr(in.gpu, "") != "" {
			f.Reject("gpu", msgGPUNeedless)
		}
		a.GPU, a.GPUName = "", ""
		a.MaxNumParallelJobs = valueOr(in.maxNumParallelJobs, a.MaxNumParallelJobs)
	}
	if err := f.Err(); err != nil {
		return instance.Instance{}, err
	}
	return withAttributes(i, a)
}

// patchGPU applies in to an instance that is, or becomes, one with a GPU.
func (a *attributes) patchGPU(f fields, in input, was string) {
	switch {
	case in.gpu == nil && was == typeGPU:
		// It keeps the one that it has.
	case valueOr(in.gpu, "") == "":
		f.Reject("gpu", msgGPUNeeded)
	default:
		a.GPU, a.GPUName = in.card.UUID, in.card.Name
	}
	switch {
	case in.maxNumParallelJobs != nil && *in.maxNumParallelJobs > 1:
		f.Reject("max_num_parallel_jobs", msgParallel)
	case in.maxNumParallelJobs == nil && a.MaxNumParallelJobs > 1:
		f.Reject("max_num_parallel_jobs", fmt.Sprintf(msgParallelValue, a.MaxNumParallelJobs))
	}
	a.MaxNumParallelJobs = 1
}

// valueOr returns what p points to, or def where it is nil.
func valueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}

// Check returns an error that says why i, which does not come from a request
// of this API, is not what this API stores.
func Check(i instance.Instance) error {
	a, err := decodeAttributes(i)
	if err != nil {
		return err
	}
	_, price, isPrice := parsePrice(a.AskPrice.String())
	n := utf8.RuneCountInString(i.Name)
	switch {
	case strings.TrimSpace(i.Name) == "":
		return errors.New("name: is missing or blank")
	case n > maxName:
		return fmt.Errorf("name: %d characters, and at most %d are allowed", n, maxName)
	case i.Status != "" && i.Status != started:
		return fmt.Errorf("status: %q is neither %s nor empty", i.Status, started)
	case a.Type != typeCPU && a.Type != typeGPU:
		return fmt.Errorf("attributes: the type %q is neither %s nor %s", a.Type, typeCPU, typeGPU)
	case (a.Type == typeGPU) != (a.GPU != ""):
		return fmt.Errorf("attributes: only one of the type %s has a gpu, and each has", typeGPU)
	case !isPrice || price.Cmp(minPrice()) < 0:
		return fmt.Errorf("attributes: askPrice %q is not a price", a.AskPrice)
	case a.MaxNumParallelJobs < 1 || a.MaxNumParallelJobs > maxParallelJobs:
		return fmt.Errorf("attributes: maxNumParallelJobs %d is not within 1 and %d", a.MaxNumParallelJobs, maxParallelJobs)
	case a.Type == typeGPU && a.MaxNumParallelJobs > 1:
		return fmt.Errorf("attributes: maxNumParallelJobs of one of the type %s is not 1", typeGPU)
	case len(a.DownloadedImages) > maxImages:
		return fmt.Errorf("attributes: more than %d images", maxImages)
	}
	return nil
}
