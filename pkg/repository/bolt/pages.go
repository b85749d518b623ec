package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"

	"go.etcd.io/bbolt"
)

// The layout of the pages of bbolt, version 2. Numbers are in the order of
// bytes of the machine.
const (
	pageHeader = 16 // id 8, type 2, count 2, overflow 4
	branchPage = 1
	leafPage   = 2
	metaPage   = 4
	listPage   = 16
	element    = 16 // branch: offset 4, key 4, page 8; leaf: flags 4, offset 4, key 4, value 4
	isBucket   = 1
	bucketSize = 16 // root page 8, sequence 8; where the root page is 0, a leaf page follows

	metaMagic   = 0xED0CDAED
	metaVersion = 2
	noFreeList  = ^uint64(0)

	// maxDepth is far more than the depth of any tree.
	maxDepth = 32
)

// The bounds of what is read and reported.
const (
	// startSize is the size of a file of which Open checks every page. Of a
	// larger one it checks those that lead to others.
	startSize = 64 << 20
	// maxPage is far more than the bytes of any page.
	maxPage = 1 << 30
	// maxProblems is how many problems are reported.
	maxProblems = 20
)

// problems collects what is wrong with a file.
type problems struct {
	found []string
	// more says that there are others.
	more bool
}

// add adds a problem.
func (p *problems) add(format string, values ...any) {
	if len(p.found) == maxProblems {
		p.more = true
		return
	}
	p.found = append(p.found, fmt.Sprintf(format, values...))
}

// err returns the first problem as an [ErrDamaged], or nil.
func (p *problems) err() error {
	if len(p.found) == 0 {
		return nil
	}
	return damaged("%s", p.found[0])
}

// meta is what leads to all that a file holds.
type meta struct {
	root, freeList, pages, tx uint64
}

// pageCheck checks the pages of a file without bbolt, which trusts them: it
// would follow an altered one out of the file, or in circles.
type pageCheck struct {
	*problems
	from io.ReaderAt
	// pageSize is the size of a page, and pages their number.
	pageSize, pages uint64
	// used has the pages that are part of something or free.
	used []bool
	// whole says to read leaves too. Otherwise those below a branch are only
	// known to be there: every leaf of a tree is as deep as the first.
	whole bool
	// unsealed are the records whose checksums do not match.
	unsealed problems
}

// checkPages checks the file that is open: its size, both meta pages, the
// list of free pages, and the pages that lead to others or, where whole is
// true, all pages. It returns the checksums that do not match apart, since
// earlier layouts have none. Nobody may write meanwhile.
func (f *file) checkPages(whole bool) (bad, unsealed problems) {
	c := &pageCheck{problems: &bad, from: f.f, pageSize: f.pageSize, whole: whole}
	info, err := f.f.Stat()
	if err != nil {
		c.add("%v", err)
		return bad, unsealed
	}
	m, ok := c.metas()
	if !ok {
		return bad, unsealed
	}
	if m.pages < 4 || m.pages > 1<<40 || uint64(info.Size()) < m.pages*c.pageSize {
		c.add("it is cut off: it has %d bytes of %d", info.Size(), m.pages*c.pageSize)
		return bad, unsealed
	}
	c.pages, c.used = m.pages, make([]bool, m.pages)
	c.used[0], c.used[1] = true, true
	if m.pages*c.pageSize <= startSize {
		c.whole = true
	}
	c.tree("", m.root)
	c.freeList(m.freeList)
	if c.whole && len(bad.found) == 0 && m.freeList != noFreeList {
		for id, used := range c.used {
			if !used {
				c.add("page %d is neither in use nor free", id)
			}
		}
	}
	return bad, c.unsealed
}

// metas reads both meta pages, and returns the newer. It returns false where
// one is damaged: after that, the last write may be missing.
func (c *pageCheck) metas() (newer meta, ok bool) {
	ok = true
	for id := range uint64(2) {
		page := c.bytes(id, pageHeader+64)
		if page == nil {
			return meta{}, false
		}
		m, sum := page[pageHeader:], fnv.New64a()
		_, _ = sum.Write(m[:56])
		if u64(page) != id || u16(page[8:]) != metaPage || u32(m) != metaMagic || u32(m[4:]) != metaVersion ||
			uint64(u32(m[8:])) != c.pageSize || u64(m[56:]) != sum.Sum64() {
			c.add("meta page %d of 2 is lost, and maybe the last write with it", id)
			ok = false
			continue
		}
		if tx := u64(m[48:]); id == 0 || tx > newer.tx {
			newer = meta{root: u64(m[16:]), freeList: u64(m[32:]), pages: u64(m[40:]), tx: tx}
		}
	}
	return newer, ok
}

// tree checks a bucket, or for an empty name the bucket of all buckets.
func (c *pageCheck) tree(name string, root uint64) {
	leaves := 0
	if !c.whole && name != "" {
		leaves = c.leafDepth(root)
	}
	c.node(name, root, 0, leaves, nil, nil)
}

// leafDepth returns how deep the leaves of a tree are.
func (c *pageCheck) leafDepth(id uint64) int {
	for depth := range maxDepth {
		if id < 2 || id >= c.pages {
			return depth
		}
		start := c.bytes(id, pageHeader+element)
		if start == nil || u16(start[8:]) != branchPage {
			return depth
		}
		id = u64(start[pageHeader+8:])
	}
	return maxDepth
}

// node checks the page and what is below it. Its keys are at least low and
// less than high, where these are not nil.
func (c *pageCheck) node(name string, id uint64, depth, leaves int, low, high []byte) {
	if depth > maxDepth {
		c.add("page %d is too deep", id)
		return
	}
	if leaves > 0 && depth == leaves {
		c.claim(id, 0)
		return
	}
	page := c.read(id)
	if page == nil {
		return
	}
	switch u16(page[8:]) {
	case branchPage:
		c.branch(name, id, page, depth, leaves, low, high)
	case leafPage:
		c.leaf(name, fmt.Sprint("page ", id), page, low, high)
	default:
		c.add("page %d is of the type %d, neither a branch nor a leaf", id, u16(page[8:]))
	}
}

// branch checks a branch page.
func (c *pageCheck) branch(name string, id uint64, page []byte, depth, leaves int, low, high []byte) {
	count := int(u16(page[10:]))
	var keys [][]byte
	for n := range count {
		at := pageHeader + n*element
		key, ok := part(page, at, 0, 4, 0)
		if !ok || !inOrder(keys, key, low, high) {
			c.add("page %d: key %d is damaged", id, n)
			return
		}
		keys = append(keys, key)
	}
	if count == 0 {
		c.add("page %d is empty", id)
	}
	for n, key := range keys {
		below := high
		if n+1 < count {
			below = keys[n+1]
		}
		c.node(name, u64(page[pageHeader+n*element+8:]), depth+1, leaves, key, below)
	}
}

// leaf checks a leaf page, or what is one within another.
func (c *pageCheck) leaf(name, where string, page []byte, low, high []byte) {
	var previous [][]byte
	sum := seed([]byte(name))
	for n := range int(u16(page[10:])) {
		at := pageHeader + n*element
		key, keyOK := part(page, at, 4, 8, 0)
		value, valueOK := part(page, at, 4, 12, len(key))
		if !keyOK || !valueOK || !inOrder(previous, key, low, high) {
			c.add("%s: record %d is damaged", where, n)
			return
		}
		previous = append(previous[:0], key)
		nested := u32(page[at:])&isBucket != 0
		if nested != (name == "") {
			c.add("%s: record %d is of the wrong sort", where, n)
			return
		}
		if nested {
			c.bucket(string(key), value)
			continue
		}
		if name == formatBucket && bytes.Equal(key, layoutKey()) {
			continue
		}
		if _, ok := unseal(sum, key, value); !ok {
			c.unsealed.add("%s: a record in %s does not match its checksum", where, name)
		}
	}
}

// bucket checks the bucket that a value leads to, or holds.
func (c *pageCheck) bucket(name string, value []byte) {
	if len(value) < bucketSize {
		c.add("bucket %q is cut off", name)
		return
	}
	if root := u64(value); root != 0 {
		c.tree(name, root)
		return
	}
	page := value[bucketSize:]
	if len(page) < pageHeader || u16(page[8:]) != leafPage {
		c.add("bucket %q is damaged", name)
		return
	}
	c.leaf(name, fmt.Sprintf("bucket %q", name), page, nil, nil)
}

// freeList checks the list of the pages that are free.
func (c *pageCheck) freeList(id uint64) {
	if id == noFreeList {
		return
	}
	page := c.read(id)
	if page == nil {
		return
	}
	count, at := uint64(u16(page[10:])), pageHeader
	if count == 0xFFFF {
		count, at = u64(page[pageHeader:]), pageHeader+8
	}
	if u16(page[8:]) != listPage || count > uint64(len(page)-at)/8 {
		c.add("page %d is not a list of free pages", id)
		return
	}
	for n := range int(count) {
		c.claim(u64(page[at+8*n:]), 0)
	}
}

// read returns a page with those that belong to it, or nil where there is a
// problem.
func (c *pageCheck) read(id uint64) []byte {
	if !c.claim(id, 0) {
		return nil
	}
	page := c.bytes(id, c.pageSize)
	if page == nil {
		return nil
	}
	more := uint64(u32(page[12:]))
	if u64(page) != id || (more+1)*c.pageSize > maxPage {
		c.add("page %d is damaged", id)
		return nil
	}
	if more == 0 {
		return page
	}
	if !c.claim(id+1, more-1) {
		return nil
	}
	return c.bytes(id, (more+1)*c.pageSize)
}

// bytes returns what a page starts with, or nil where there is a problem.
func (c *pageCheck) bytes(id, size uint64) []byte {
	b := make([]byte, size)
	if _, err := c.from.ReadAt(b, int64(id*c.pageSize)); err != nil {
		c.add("page %d cannot be read: %v", id, err)
		return nil
	}
	return b
}

// claim notes that a page, and so many after it, are used. It returns false
// where there is no such page, or where one is used already.
func (c *pageCheck) claim(id, more uint64) bool {
	if id < 2 || id >= c.pages || more >= c.pages-id {
		c.add("page %d is not in the file", id)
		return false
	}
	for n := id; n <= id+more; n++ {
		if c.used[n] {
			c.add("page %d is used twice", n)
			return false
		}
		c.used[n] = true
	}
	return true
}

// part returns the key or value of an element at the given place, given where
// in the element its offset and its length are, and what lies before it.
func part(page []byte, at, offset, length, before int) ([]byte, bool) {
	if at+element > len(page) {
		return nil, false
	}
	start := uint64(at) + uint64(u32(page[at+offset:])) + uint64(before)
	end := start + uint64(u32(page[at+length:]))
	if end > uint64(len(page)) {
		return nil, false
	}
	return page[start:end], true
}

// inOrder reports whether a key may follow the others.
func inOrder(others [][]byte, key, low, high []byte) bool {
	return len(key) > 0 && len(key) <= bbolt.MaxKeySize &&
		(low == nil || bytes.Compare(key, low) >= 0) && (high == nil || bytes.Compare(key, high) < 0) &&
		(len(others) == 0 || bytes.Compare(others[len(others)-1], key) < 0)
}

func u16(b []byte) uint16 { return binary.NativeEndian.Uint16(b) }
func u32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
func u64(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }
