package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// openNote is note.Open with one known key; the answer is the note's text.
func openNote(key, message []byte) (string, error) {
	verifier, err := note.NewVerifier(string(key))
	if err != nil {
		return "", err
	}
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	return opened.Text, nil
}

// A clientFolder serves a sumdb.Client as the go command does, from folders: cached files, and below
// config the newest head.  What is not there is fetched from url, or refused where that is empty.
type clientFolder struct {
	key, cache, config, url string
	security                string
}

func (c *clientFolder) ReadRemote(path string) ([]byte, error) {
	if c.url == "" {
		return nil, errors.New("offline")
	}
	answer, err := http.Get(c.url + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func (c *clientFolder) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(c.key), nil
	}
	content, err := os.ReadFile(filepath.Join(c.config, file))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

func (c *clientFolder) WriteConfig(file string, old, new []byte) error {
	found, err := c.ReadConfig(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(found, old) {
		return sumdb.ErrWriteConflict
	}
	return write(filepath.Join(c.config, file), new)
}

func (c *clientFolder) ReadCache(file string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(c.cache, file))
	if err == nil && len(content) == 0 { // as the go command has it
		err = os.ErrNotExist
	}
	return content, err
}

func (c *clientFolder) WriteCache(file string, content []byte) {
	if c.url != "" {
		if err := write(filepath.Join(c.cache, file), content); err != nil {
			panic(err)
		}
	}
}

func (c *clientFolder) Log(string) {}

func (c *clientFolder) SecurityError(message string) { c.security = message }

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o666)
}

// lookup is sumdb.Client.Lookup; the answer is the record's lines for the module version.
func lookup(req *request) (string, error) {
	folder := &clientFolder{
		key: string(req.Name), cache: string(req.Path), config: string(req.Target), url: string(req.Other),
	}
	client := sumdb.NewClient(folder)
	client.SetTileHeight(8)
	lines, err := client.Lookup(string(req.Module), string(req.Version))
	if err == sumdb.ErrSecurity {
		err = fmt.Errorf("%w: %s", err, folder.security)
	}
	return strings.Join(lines, "\n"), err
}

func sumdbReply(req *request) (value string, known bool, err error) {
	switch req.Op {
	case "open_note": // Name: the key; Content
		value, err = openNote(req.Name, req.Content)
	case "verifier_key":
		var verifier note.Verifier
		if verifier, err = note.NewVerifier(string(req.Name)); err == nil {
			value = fmt.Sprintf("%s+%08x", verifier.Name(), verifier.KeyHash())
		}
	case "parse_head":
		var tree tlog.Tree
		if tree, err = tlog.ParseTree(req.Content); err == nil {
			value = fmt.Sprintf("%d %x", tree.N, tree.Hash[:])
		}
	case "parse_record":
		var id int64
		var text, rest []byte
		if id, text, rest, err = tlog.ParseRecord(req.Content); err == nil {
			value = fmt.Sprintf("%d\x00%s\x00%s", id, text, rest)
		}
	case "tile_path":
		var tile tlog.Tile
		if tile, err = tlog.ParseTilePath(string(req.Name)); err == nil {
			value = fmt.Sprintf("%d %d %d %d", tile.H, tile.L, tile.N, tile.W)
		}
	case "lookup": // Path: the cache; Target: the config; Name: the key; Other: a URL
		value, err = lookup(req)
	default:
		return "", false, nil
	}
	return value, true, err
}
