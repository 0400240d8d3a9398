// Measures Go beside fastverify: `sha256`, `inflate FILE`, `trees FILE` and `dirhash MODCACHE`.
//
// The first three print one line of JSON a row, with every sample: the work over the process's CPU time,
// in GB/s or in thousands of files a second.  The last hashes the zip and the tree of every module of a cache, one goroutine a core, and is
// measured from outside.
package main

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
)

const samples = 7

func main() {
	log.SetFlags(0)
	switch {
	case len(os.Args) == 2 && os.Args[1] == "sha256":
		hash()
	case len(os.Args) == 3 && os.Args[1] == "inflate":
		inflate(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "trees":
		readTrees(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "dirhash":
		hashAll(os.Args[2])
	default:
		log.Fatal("sha256 | inflate FILE | trees FILE | dirhash MODCACHE")
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func cpu() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)*1e-6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func measure(group, size, name string, work float64, run func()) {
	row := struct {
		Group   string    `json:"group"`
		Size    string    `json:"size"`
		Name    string    `json:"name"`
		Samples []float64 `json:"samples"`
	}{Group: group, Size: size, Name: name}
	run()
	for range samples {
		begun := cpu()
		run()
		row.Samples = append(row.Samples, work/(cpu()-begun))
	}
	check(json.NewEncoder(os.Stdout).Encode(row))
}

func hash() {
	for _, size := range []int{64, 256, 1024, 4096, 16384, 1 << 20} {
		count := min(max(16<<20/size, 16), 65536)
		message := make([]byte, size)
		measure("sha256", fmt.Sprint(size), "Go", float64(size*count)/1e9, func() {
			for range count {
				sha256.Sum256(message)
			}
		})
	}
}

func inflate(path string) {
	sample, err := os.ReadFile(path)
	check(err)
	var entries [][]byte
	total := 0
	longest := 0
	for len(sample) > 0 {
		length := int(binary.LittleEndian.Uint32(sample))
		size := int(binary.LittleEndian.Uint32(sample[4:]))
		total += size
		longest = max(longest, size)
		entries = append(entries, sample[8:8+length])
		sample = sample[8+length:]
	}
	output := make([]byte, longest+1)
	reader := flate.NewReader(bytes.NewReader(nil))
	measure("inflate", "real entries", "Go", float64(total)/1e9, func() {
		for _, entry := range entries {
			check(reader.(flate.Resetter).Reset(bytes.NewReader(entry), nil))
			_, err := io.ReadFull(reader, output)
			if err != io.ErrUnexpectedEOF && err != io.EOF {
				check(err)
			}
		}
	})
}

func readTrees(list string) {
	text, err := os.ReadFile(list)
	check(err)
	files := 0
	read := func() {
		files = 0
		for root := range strings.Lines(string(text)) {
			check(filepath.WalkDir(strings.TrimSuffix(root, "\n"), func(path string, entry fs.DirEntry, err error) error {
				if err == nil && entry.Type().IsRegular() {
					files++
					_, err = os.ReadFile(path)
				}
				return err
			}))
		}
	}
	read()
	measure("trees", fmt.Sprintf("%d files", files), "Go: WalkDir, ReadFile", float64(files)/1e3, read)
}

// hashAll prints how many modules it has hashed.
func hashAll(cache string) {
	download := filepath.Join(cache, "cache", "download")
	var zips []string
	check(filepath.WalkDir(download, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".zip") && filepath.Base(filepath.Dir(path)) == "@v" {
			zips = append(zips, path)
		}
		return err
	}))
	work := make(chan string)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for zip := range work {
				hashModule(cache, download, zip)
			}
		})
	}
	for _, zip := range zips {
		work <- zip
	}
	close(work)
	workers.Wait()
	fmt.Println(len(zips))
}

func hashModule(cache, download, zip string) {
	escaped, err := filepath.Rel(download, filepath.Dir(filepath.Dir(zip)))
	check(err)
	escapedVersion := strings.TrimSuffix(filepath.Base(zip), ".zip")
	path, err := module.UnescapePath(filepath.ToSlash(escaped))
	check(err)
	version, err := module.UnescapeVersion(escapedVersion)
	check(err)
	ofZip, err := dirhash.HashZip(zip, dirhash.Hash1)
	check(err)
	tree := filepath.Join(cache, escaped+"@"+escapedVersion)
	if _, err := os.Stat(tree); err != nil {
		return
	}
	ofTree, err := dirhash.HashDir(tree, path+"@"+version, dirhash.Hash1)
	check(err)
	if ofTree != ofZip {
		log.Fatalf("%s: the zip and the tree differ", zip)
	}
}
