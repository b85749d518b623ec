package compute

import (
	"fmt"

	"instances/pkg/instance"
)

// replace returns i with everything as in gives it, and the defaults for what
// it does not give. gpu is the entry that in names, if it names one. What is
// wrong is noted in f.
func (in input) replace(f form, i instance.Instance, a attributes, gpu GPU) (instance.Instance, error) {
	i.Name = valueOr(in.name, "")
	a.AskPrice = valueOr(in.askPrice, "")
	a.Type = valueOr(in.kind, typeCPU)
	a.MaxNumParallelJobs = valueOr(in.maxNumParallelJobs, 1)
	a.GPU, a.GPUName = gpu.UUID, gpu.Name
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

// patch returns i with what in gives. gpu is the entry that in names, if it
// names one. Its errors are about what in and i together would be.
func (in input) patch(i instance.Instance, gpu GPU) (instance.Instance, error) {
	a, err := decodeAttributes(i)
	if err != nil {
		return instance.Instance{}, err
	}
	f := newForm(nil)
	was := a.Type
	i.Name = valueOr(in.name, i.Name)
	a.AskPrice = valueOr(in.askPrice, a.AskPrice)
	a.Type = valueOr(in.kind, a.Type)
	if a.Type == typeGPU {
		a.patchGPU(f, in, was, gpu)
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
func (a *attributes) patchGPU(f form, in input, was string, gpu GPU) {
	switch {
	case in.gpu == nil && was == typeGPU:
		// It keeps the one that it has.
	case valueOr(in.gpu, "") == "":
		f.Reject("gpu", msgGPUNeeded)
	default:
		a.GPU, a.GPUName = gpu.UUID, gpu.Name
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
