package compute

import (
	"fmt"
	"net/http"
	"slices"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

const (
	// maxImages is how many images an instance may have downloaded.
	maxImages = 1000
	// maxImagePath is the length of a registry path, in characters.
	maxImagePath = 500
	imagePath    = "image_registry_path"
)

// AddImage answers PATCH {uuid}/add-image/: the instance has downloaded the
// image that the body names.
func AddImage(instances instance.Updater, s Settings) httpjson.Handler {
	return changeImages(instances, s, "add-image", func(images []string, path string) []string {
		if slices.Contains(images, path) {
			return images
		}
		return append(images, path)
	})
}

// DeleteImage answers PATCH {uuid}/delete-image/: the instance no longer has
// the image that the body names.
func DeleteImage(instances instance.Updater, s Settings) httpjson.Handler {
	return changeImages(instances, s, "delete-image", func(images []string, path string) []string {
		return slices.DeleteFunc(images, func(image string) bool { return image == path })
	})
}

// changeImages returns a handler that changes the images of an instance. The
// operation is the end of its route.
func changeImages(instances instance.Updater, s Settings, operation string, change func(images []string, path string) []string) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		_, members, err := httpjson.ReadForm(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		f := newFields(members, imagePath)
		path := f.text(imagePath, maxImagePath)
		if err := f.Err(); err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{
			Change: httpjson.Change(r, who, s.Now(), operation), Route: "PATCH " + onePath + "/" + operation, Members: members,
		}
		return update(r, who, instances, s, op, func(i instance.Instance) (instance.Instance, error) {
			a, err := decodeAttributes(i)
			if err != nil {
				return instance.Instance{}, err
			}
			a.DownloadedImages = change(a.DownloadedImages, *path)
			if len(a.DownloadedImages) > maxImages {
				return instance.Instance{}, httpjson.BadField(imagePath, fmt.Sprintf("An instance can have no more than %d images.", maxImages))
			}
			return withAttributes(i, a)
		})
	}
}
