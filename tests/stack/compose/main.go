// Reads a Compose file as Docker Compose does, with every profile, and prints it as JSON: what is
// misspelled, of the wrong kind or refers to what is not there ends it with the parser's words.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	document, err := read(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(document))
}

func read(files []string) ([]byte, error) {
	options, err := cli.NewProjectOptions(
		files, cli.WithProfiles([]string{"*"}), cli.WithOsEnv, cli.WithName("livepeer"),
	)
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return nil, err
	}
	return project.MarshalJSON()
}
