package main

// outputFlag adds the flag that chooses the form of a list.
func outputFlag(c *call) *string {
	return c.flags.String("output", "text", "`FORM` of the list: text or json")
}

// checkOutput refuses a form of a list that there is not.
func checkOutput(form string) error {
	if form != "text" && form != "json" {
		return misused("--output: there is no form %q, but text and json", form)
	}
	return nil
}
