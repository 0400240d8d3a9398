// Command unicode_tables writes the Unicode tables on which Go's own rules rest.
//
// golang.org/x/mod/module.CheckFilePath accepts the letters of unicode.IsLetter (category L), and
// golang.org/x/mod/zip calls two names colliding when they are equal under simple case folding
// (its strToFold): tables for both engines.  golang.org/x/mod/modfile takes for part of a word what
// unicode.IsPrint accepts: a table for the parser of go.mod files.  All depend on the Unicode version
// that Go was built with, which is rarely the one of a given Python or Rust; so they are taken from
// Go itself.
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
	rustFile      = "rust/core/src/unicode_tables.rs"
	pythonFile    = "python/fastverify/engine/_unicode_tables.py"
	printableFile = "python/fastverify/gomod/_printable.py"
)

type pair struct{ a, b rune }

// rangesOf lists the runes from first on that belong, as ascending, disjoint, inclusive ranges.
func rangesOf(belongs func(rune) bool, first rune) []pair {
	var ranges []pair
	for r := first; r <= unicode.MaxRune; r++ {
		if !belongs(r) {
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

func writePairs(out *bytes.Buffer, pairs []pair, format string, perLine int) {
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
	writePairs(&out, letters, "(%#x, %#x),", 6)
	out.WriteString("];\n\n")
	out.WriteString("/// Each code point that folds to another one, ascending, and that one.\n")
	fmt.Fprintf(&out, "#[rustfmt::skip]\npub(crate) static FOLD: [(u32, u32); %d] = [\n", len(folds))
	writePairs(&out, folds, "(%#x, %#x),", 6)
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
	writePairs(&out, letters, "(%#x, %#x),", 6)
	out.WriteString(")\n\n")
	out.WriteString("#: Each code point that folds to another one, and that one.\n")
	out.WriteString("FOLD: dict[int, int] = {\n")
	writePairs(&out, folds, "%#x: %#x,", 6)
	out.WriteString("}\n# fmt: on\n")
	return out.Bytes()
}

func pythonPrintable(printable []pair) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "\"\"\"Unicode %s as Go has it: what ``unicode.IsPrint`` accepts.\n\n", unicode.Version)
	out.WriteString("Written by ``tools/unicode_tables/main.go``; not to be edited.\n\"\"\"\n\n")
	out.WriteString("from __future__ import annotations\n\n# fmt: off\n")
	out.WriteString("#: Beyond ASCII: inclusive ranges, ascending.\n")
	out.WriteString("PRINTABLE_RANGES: tuple[tuple[int, int], ...] = (\n")
	writePairs(&out, printable, "(%#x, %#x),", 4)
	out.WriteString(")\n# fmt: on\n")
	return out.Bytes()
}

func main() {
	log.SetFlags(0)
	letters, folds := rangesOf(unicode.IsLetter, 0), folds()
	for file, text := range map[string][]byte{
		rustFile:      rust(letters, folds),
		pythonFile:    python(letters, folds),
		printableFile: pythonPrintable(rangesOf(unicode.IsPrint, 0x80)),
	} {
		if err := os.WriteFile(file, text, 0o666); err != nil {
			log.Fatal(err)
		}
	}
}
