// Command unicode_tables writes the two Unicode tables that Go's zip rules need, for both engines.
//
// golang.org/x/mod/module.CheckFilePath accepts the letters of unicode.IsLetter (category L), and
// golang.org/x/mod/zip calls two names colliding when they are equal under simple case folding
// (its strToFold).  Both depend on the Unicode version that Go was built with, which is rarely the
// one of a given Python or Rust; so the tables are taken from Go itself.
//
// Run it at the root of the repository, with the newest Go:
//
//	go run ./tools/unicode_tables/main.go
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"unicode"
)

const (
	rustFile   = "rust/core/src/unicode_tables.rs"
	pythonFile = "python/fastverify/engine/_unicode_tables.py"
	perLine    = 6
)

type pair struct{ a, b rune }

// letterRanges lists category L as ascending, disjoint, inclusive ranges.
func letterRanges() []pair {
	var ranges []pair
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) {
			continue
		}
		if n := len(ranges); n > 0 && ranges[n-1].b == r-1 {
			ranges[n-1].b = r
		} else {
			ranges = append(ranges, pair{r, r})
		}
	}
	return ranges
}

// folds lists each rune whose folded form differs from itself, with that form: the least member of
// its orbit under unicode.SimpleFold, but a-z where that is A-Z.
func folds() []pair {
	var folds []pair
	for r := rune(0); r <= unicode.MaxRune; r++ {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		if 'A' <= least && least <= 'Z' {
			least += 'a' - 'A'
		}
		if least != r {
			folds = append(folds, pair{r, least})
		}
	}
	return folds
}

func writePairs(out *bytes.Buffer, pairs []pair, format string) {
	for i, p := range pairs {
		if i%perLine == 0 {
			out.WriteString("    ")
		} else {
			out.WriteString(" ")
		}
		fmt.Fprintf(out, format, p.a, p.b)
		if i%perLine == perLine-1 || i == len(pairs)-1 {
			out.WriteString("\n")
		}
	}
}

func rust(letters, folds []pair) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "//! Unicode %s as Go has it: letters and simple case folding.\n//!\n", unicode.Version)
	out.WriteString("//! Written by `tools/unicode_tables/main.go`; not to be edited.\n\n")
	out.WriteString("/// Category L: inclusive ranges, ascending.\n")
	fmt.Fprintf(&out, "#[rustfmt::skip]\npub(crate) static LETTER_RANGES: [(u32, u32); %d] = [\n", len(letters))
	writePairs(&out, letters, "(%#x, %#x),")
	out.WriteString("];\n\n")
	out.WriteString("/// Each code point that folds to another one, ascending, and that one.\n")
	fmt.Fprintf(&out, "#[rustfmt::skip]\npub(crate) static FOLD: [(u32, u32); %d] = [\n", len(folds))
	writePairs(&out, folds, "(%#x, %#x),")
	out.WriteString("];\n")
	return out.Bytes()
}

func python(letters, folds []pair) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "\"\"\"Unicode %s as Go has it: letters and simple case folding.\n\n", unicode.Version)
	out.WriteString("Written by ``tools/unicode_tables/main.go``; not to be edited.\n\"\"\"\n\n")
	out.WriteString("from __future__ import annotations\n\n# fmt: off\n")
	out.WriteString("#: Category L: inclusive ranges, ascending.\n")
	out.WriteString("LETTER_RANGES: tuple[tuple[int, int], ...] = (\n")
	writePairs(&out, letters, "(%#x, %#x),")
	out.WriteString(")\n\n")
	out.WriteString("#: Each code point that folds to another one, and that one.\n")
	out.WriteString("FOLD: dict[int, int] = {\n")
	writePairs(&out, folds, "%#x: %#x,")
	out.WriteString("}\n# fmt: on\n")
	return out.Bytes()
}

func main() {
	log.SetFlags(0)
	letters, folds := letterRanges(), folds()
	if err := os.WriteFile(rustFile, rust(letters, folds), 0o666); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(pythonFile, python(letters, folds), 0o666); err != nil {
		log.Fatal(err)
	}
}
