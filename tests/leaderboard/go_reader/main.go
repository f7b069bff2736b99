// What encoding/json makes of bodies: one in base64 a line in; a line out for each, which is "="
// and the stat written anew, or "!" and the error's text as a JSON string.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"reader/models"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		body, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(line, "\n"))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintln(out, read(body))
	}
}

func read(body []byte) string {
	var stats models.Stats
	if err := json.Unmarshal(body, &stats); err != nil {
		return "!" + written(err.Error())
	}
	return "=" + written(stats)
}

func written(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}
