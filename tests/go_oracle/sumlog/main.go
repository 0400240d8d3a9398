// The sumlog program is a checksum database for the tests: golang.org/x/mod/sumdb's own server code, over
// loopback, with a key of its own.
//
// It takes the database's name and a file that has what modules it knows: go.sum lines, those of one
// module version side by side.  With -fill it records them all at once, in the file's order; otherwise
// each when it is asked for, and as many as -decoys says of modules that nobody has before the first.
// With -key it signs with that key, so that two logs can have the same.
//
// On standard output it says, a line each: its URL, its verifier key, its signer key.  Then it says each
// path that it is asked for.  It ends when its standard input does.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

// readModules reads go.sum lines into the record text of each module version, in the file's order.
func readModules(file string) (order []module.Version, texts map[module.Version][]byte) {
	content, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	texts = make(map[module.Version][]byte)
	for _, line := range bytes.SplitAfter(content, []byte("\n")) {
		fields := strings.Fields(string(line))
		if len(fields) != 3 {
			continue
		}
		m := module.Version{Path: fields[0], Version: strings.TrimSuffix(fields[1], "/go.mod")}
		if texts[m] == nil {
			order = append(order, m)
		}
		texts[m] = append(texts[m], line...)
	}
	return order, texts
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("sumlog: ")
	fill := flag.Bool("fill", false, "record all modules at once")
	decoys := flag.Int("decoys", 0, "record so many made-up modules first")
	key := flag.String("key", "", "the signer key")
	flag.Parse()
	name, file := flag.Arg(0), flag.Arg(1)

	order, texts := readModules(file)
	signer, verifier, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		log.Fatal(err)
	}
	if *key != "" {
		signer, verifier = *key, ""
	}
	ops := sumdb.NewTestServer(signer, func(path, vers string) ([]byte, error) {
		if strings.HasPrefix(path, "decoy.example/") {
			return fmt.Appendf(nil, "%s %s h1:%044d\n", path, vers, 0), nil
		}
		text := texts[module.Version{Path: path, Version: vers}]
		if text == nil {
			return nil, fs.ErrNotExist // a status of 404
		}
		return text, nil
	})
	record := func(m module.Version) {
		if _, err := ops.Lookup(context.Background(), m); err != nil {
			log.Fatal(err)
		}
	}
	for n := range *decoys {
		record(module.Version{Path: fmt.Sprintf("decoy.example/m%d", n), Version: "v1.0.0"})
	}
	if *fill {
		for _, m := range order {
			record(m)
		}
	}

	server := sumdb.NewServer(ops)
	mux := http.NewServeMux()
	for _, path := range sumdb.ServerPaths {
		mux.Handle(path, server)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n%s\n%s\n", listener.Addr(), verifier, signer)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.URL.Path)
		mux.ServeHTTP(w, r)
	})))
}
