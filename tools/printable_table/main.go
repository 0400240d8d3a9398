// Command printable_table writes the table of characters that may stand in a go.mod file.
//
// golang.org/x/mod/modfile takes for part of an identifier what unicode.IsPrint takes for visible,
// which depends on the Unicode version that Go was built with; that is rarely the one of a given
// Python.  So the table is taken from Go itself.
//
// Run it at the root of the repository, with the newest Go:
//
//	go run ./tools/printable_table/main.go
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"unicode"
)

const (
	pythonFile = "python/fastverify/gomod/_printable.py"
	perLine    = 4
)

type span struct{ first, last rune }

// printable lists what unicode.IsPrint accepts beyond ASCII as ascending, disjoint, inclusive ranges.
func printable() []span {
	var ranges []span
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.IsPrint(r) {
			continue
		}
		if n := len(ranges); n > 0 && ranges[n-1].last == r-1 {
			ranges[n-1].last = r
		} else {
			ranges = append(ranges, span{r, r})
		}
	}
	return ranges
}

func main() {
	log.SetFlags(0)
	var out bytes.Buffer
	fmt.Fprintf(&out, "\"\"\"Unicode %s as Go has it: what ``unicode.IsPrint`` accepts.\n\n", unicode.Version)
	out.WriteString("Written by ``tools/printable_table/main.go``; not to be edited.\n\"\"\"\n\n")
	out.WriteString("from __future__ import annotations\n\n# fmt: off\n")
	out.WriteString("#: Beyond ASCII: inclusive ranges, ascending.\n")
	out.WriteString("PRINTABLE_RANGES: tuple[tuple[int, int], ...] = (\n")
	ranges := printable()
	for i, r := range ranges {
		if i%perLine == 0 {
			out.WriteString("    ")
		} else {
			out.WriteString(" ")
		}
		fmt.Fprintf(&out, "(%#x, %#x),", r.first, r.last)
		if i%perLine == perLine-1 || i == len(ranges)-1 {
			out.WriteString("\n")
		}
	}
	out.WriteString(")\n# fmt: on\n")
	if err := os.WriteFile(pythonFile, out.Bytes(), 0o666); err != nil {
		log.Fatal(err)
	}
}
