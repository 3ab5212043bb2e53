// Command krew is Krew itself, the plugin manager of kubectl, as its own cmd/krew/main.go starts it.
package main

import "sigs.k8s.io/krew/cmd/krew/cmd"

func main() { cmd.Execute() }
