// Command kindconfig reads a kind configuration with kind's own strict decoder and validation, prints the role of
// every node, or says what is wrong with it and exits with 1.
//
// The decoder is internal to kind. Go lets a package import an internal one if its import path lies below the
// parent of `internal` (https://go.dev/s/go14internal), so this module's path does.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kind/pkg/internal/apis/config/encoding"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: kindconfig FILE")
		os.Exit(2)
	}
	config, err := encoding.Load(os.Args[1])
	if err == nil {
		if config.Name == "" {
			config.Name = "kind" // what `kind create cluster` fills in where neither file nor flag names it
		}
		err = config.Validate()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, node := range config.Nodes {
		fmt.Println(node.Role)
	}
}
