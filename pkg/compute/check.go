package compute

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"instances/pkg/instance"
)

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
		return fmt.Errorf("attributes: askPrice %q is no price", a.AskPrice)
	case a.MaxNumParallelJobs < 1 || a.MaxNumParallelJobs > maxParallelJobs:
		return fmt.Errorf("attributes: maxNumParallelJobs %d is not within 1 and %d", a.MaxNumParallelJobs, maxParallelJobs)
	case a.Type == typeGPU && a.MaxNumParallelJobs > 1:
		return fmt.Errorf("attributes: maxNumParallelJobs of one of the type %s is not 1", typeGPU)
	case len(a.DownloadedImages) > maxImages:
		return fmt.Errorf("attributes: more than %d images", maxImages)
	}
	return nil
}
