// The go_oracle program answers questions about hashes, zips and module names as
// golang.org/x/mod answers them, so that the tests can hold fastverify to Go itself.
//
// It reads one JSON request a line from standard input and writes one JSON answer a line to
// standard output, in the same order, until its input ends.  Paths and names travel as base64,
// because they need not be UTF-8.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"io"
	"net/url"
	"os"
	"strconv"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// A request asks one question; which fields matter depends on the operation.
type request struct {
	Op      string
	Path    []byte // a file or directory on disk
	Target  []byte // where to extract to
	Name    []byte // a module path, a version, or the name of a file
	Module  []byte
	Version []byte
	Content []byte // of a go.mod or go.work
	Other   []byte // a version to compare with
}

// An answer holds the value asked for, or the text of Go's error.
type answer struct {
	Value string   `json:"value"`
	Bytes []byte   `json:"bytes"`
	Error string   `json:"error"`
	Names [][]byte `json:"names"` // of the entries that a zip rule forbids
	Rules []string `json:"rules"` // and the rule, for each
}

func hashGoMod(path string) (string, error) {
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(path) })
}

// checkZip tells the entries that zip.CheckZip forbids, and why.  The error is about the zip as a
// whole.
func checkZip(req *request) (names [][]byte, rules []string, err error) {
	checked, err := modzip.CheckZip(module.Version{Path: string(req.Module), Version: string(req.Version)}, string(req.Path))
	for _, invalid := range checked.Invalid {
		names = append(names, []byte(invalid.Path))
		rules = append(rules, invalid.Err.Error())
	}
	if checked.SizeError != nil {
		err = checked.SizeError
	} else if len(names) > 0 {
		err = nil
	}
	return names, rules, err
}

func reply(req *request) (ans answer) {
	var err error
	switch req.Op {
	case "hash_zip":
		ans.Value, err = dirhash.HashZip(string(req.Path), dirhash.Hash1)
	case "hash_dir":
		ans.Value, err = dirhash.HashDir(string(req.Path), string(req.Name), dirhash.Hash1)
	case "hash_go_mod":
		ans.Value, err = hashGoMod(string(req.Path))
	case "check_zip":
		ans.Names, ans.Rules, err = checkZip(req)
	case "unzip":
		err = modzip.Unzip(string(req.Target), module.Version{Path: string(req.Module), Version: string(req.Version)}, string(req.Path))
	case "check_path":
		err = module.CheckPath(string(req.Name))
	case "check":
		err = module.Check(string(req.Module), string(req.Version))
	case "canonical_version":
		if v := string(req.Name); v == "" || module.CanonicalVersion(v) != v {
			err = fmt.Errorf("version %q is not canonical", v)
		}
	case "escape_path":
		ans.Value, err = module.EscapePath(string(req.Name))
	case "escape_version":
		ans.Value, err = module.EscapeVersion(string(req.Name))
	case "unescape_path":
		ans.Value, err = module.UnescapePath(string(req.Name))
	case "unescape_version":
		ans.Value, err = module.UnescapeVersion(string(req.Name))
	case "parse_mod": // as the go command reads the main module's
		ans.Value, err = modForm(modfile.Parse(string(req.Name), req.Content, fixVersion))
	case "parse_mod_unfixed":
		ans.Value, err = modForm(modfile.Parse(string(req.Name), req.Content, nil))
	case "parse_mod_lax":
		ans.Value, err = modForm(modfile.ParseLax(string(req.Name), req.Content, nil))
	case "parse_work":
		ans.Value, err = workForm(modfile.ParseWork(string(req.Name), req.Content, nil))
	case "compare_semver":
		ans.Value = fmt.Sprint(semver.Compare(string(req.Version), string(req.Other)))
	case "compare_go":
		ans.Value = fmt.Sprint(version.Compare("go"+string(req.Version), "go"+string(req.Other)))
	case "quote":
		ans.Value = strconv.Quote(string(req.Name))
	case "unquote":
		ans.Value, err = strconv.Unquote(string(req.Name))
	case "check_import_path":
		err = module.CheckImportPath(string(req.Name))
	case "path_major":
		var ok bool
		if _, ans.Value, ok = module.SplitPathVersion(string(req.Name)); !ok {
			err = errors.New("no major version")
		}
	case "check_path_major":
		err = module.CheckPathMajor(string(req.Version), string(req.Other))
	case "parse_url":
		var parsed *url.URL
		if parsed, err = url.Parse(string(req.Name)); err == nil {
			ans.Value = parsed.Scheme
		}
	case "match_prefix":
		ans.Value = fmt.Sprint(module.MatchPrefixPatterns(string(req.Other), string(req.Name)))
	default:
		var known bool
		if ans.Value, known, err = sumdbReply(req); !known {
			err = fmt.Errorf("no such operation: %q", req.Op)
		}
	}
	ans.Bytes = []byte(ans.Value)
	if err != nil {
		ans.Value, ans.Bytes = "", nil
		// os.PathError names the file, which the caller knows; the bare text is what is compared.
		if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
			err = fmt.Errorf("%s: %w", pathError.Op, pathError.Err)
		}
		ans.Error = err.Error()
	}
	return ans
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		var req request
		if err == nil {
			err = json.Unmarshal(line, &req)
		}
		if err == nil {
			err = out.Encode(reply(&req))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "go_oracle:", err)
			os.Exit(1)
		}
	}
}
