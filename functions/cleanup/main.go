// Command cleanup is the function that the schedule runs once a day: it
// removes for good what is kept no longer.
package main

import "instances/pkg/app"

func main() { app.Start(app.Cleanup) }
