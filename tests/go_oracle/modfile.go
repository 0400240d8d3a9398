package main

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// fixVersion is the go command's own (modload.fixVersion), but for versions that it would look up.
func fixVersion(path, vers string) (string, error) {
	if strings.HasPrefix(path, "gopkg.in/") && strings.Contains(vers, "-gopkgin-") {
		vers = vers[strings.Index(vers, "-gopkgin-")+len("-gopkgin-"):]
	}
	_, pathMajor, ok := module.SplitPathVersion(path)
	if !ok {
		return "", &module.ModuleError{Path: path, Err: &module.InvalidVersionError{
			Version: vers, Err: fmt.Errorf("malformed module path %q", path),
		}}
	}
	if vers != "" && module.CanonicalVersion(vers) == vers {
		if err := module.CheckPathMajor(vers, pathMajor); err != nil {
			return "", module.VersionError(module.Version{Path: path, Version: vers}, err)
		}
		return vers, nil
	}
	return "", errors.New("LOOKUP")
}

// A form collects what a file says: one line for each directive, NUL between the words.
type form struct{ strings.Builder }

func (f *form) add(words ...string) {
	f.WriteString(strings.Join(words, "\x00") + "\n")
}

func (f *form) common(g *modfile.Go, t *modfile.Toolchain, debug []*modfile.Godebug, replace []*modfile.Replace) {
	if g != nil {
		f.add("go", g.Version, fmt.Sprint(g.Syntax.Start.Line))
	}
	if t != nil {
		f.add("toolchain", t.Name)
	}
	for _, d := range debug {
		f.add("godebug", d.Key, d.Value, fmt.Sprint(d.Syntax.Start.Line))
	}
	for _, r := range replace {
		f.add("replace", r.Old.Path, r.Old.Version, r.New.Path, r.New.Version, fmt.Sprint(r.Syntax.Start.Line))
	}
}

func modForm(file *modfile.File, err error) (string, error) {
	if err != nil {
		return "", err
	}
	var f form
	if file.Module != nil {
		f.add("module", file.Module.Mod.Path, fmt.Sprint(file.Module.Syntax.Start.Line))
	}
	f.common(file.Go, file.Toolchain, file.Godebug, file.Replace)
	for _, r := range file.Require {
		f.add("require", r.Mod.Path, r.Mod.Version, fmt.Sprint(r.Indirect), fmt.Sprint(r.Syntax.Start.Line))
	}
	for _, x := range file.Exclude {
		f.add("exclude", x.Mod.Path, x.Mod.Version, fmt.Sprint(x.Syntax.Start.Line))
	}
	for _, r := range file.Retract {
		f.add("retract", r.Low, r.High, fmt.Sprint(r.Syntax.Start.Line))
	}
	for _, t := range file.Tool {
		f.add("tool", t.Path)
	}
	for _, i := range file.Ignore {
		f.add("ignore", i.Path)
	}
	return f.String(), nil
}

func workForm(file *modfile.WorkFile, err error) (string, error) {
	if err != nil {
		return "", err
	}
	var f form
	f.common(file.Go, file.Toolchain, file.Godebug, file.Replace)
	for _, u := range file.Use {
		f.add("use", u.Path, fmt.Sprint(u.Syntax.Start.Line))
	}
	return f.String(), nil
}
