//! Look-ups in a bbolt database, the form in which containerd keeps names. Nothing is written and nothing locked.
//!
//! Pages are copied on write, so the newest valid meta page leads to pages that hold still while a few transactions pass.
//! A read that loses this race meets damage, which is an error; what it finds is verified by digest later in any case.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BoltError {
    /// The file.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    /// No meta page is valid.
    #[error("no bbolt database of version 2")]
    Meta,
    /// A page is not what leads to it says.
    #[error("page {0} is damaged")]
    Page(u64),
}

/// An open database.
#[derive(Debug)]
pub(super) struct Bolt {
    file: File,
    page_bytes: u64,
    pages: u64,
    root: u64,
}

/// A bucket: where its tree begins.
#[derive(Clone, Debug)]
pub(super) enum Bucket {
    Page(u64),
    /// A small bucket lies in its parent's page.
    Inline(Vec<u8>),
}

enum Found {
    Bucket(Bucket),
    Value(Vec<u8>),
}

struct Meta {
    page_bytes: u64,
    root: u64,
    pages: u64,
    transaction: u64,
}

impl Bolt {
    pub(super) fn open(path: &Path) -> Result<Self, BoltError> {
        let file = File::open(path).map_err(BoltError::Io)?;
        let length = file.metadata().map_err(BoltError::Io)?.len();
        // The second meta page lies one page after the first, whose size the first may no longer tell.
        let first = meta(&file, 0);
        let sizes = first.as_ref().map_or(PAGE_SIZES.to_vec(), |meta| vec![meta.page_bytes]);
        let second = sizes.iter().find_map(|size| meta(&file, *size).filter(|meta| meta.page_bytes == *size));
        let newest =
            [first, second].into_iter().flatten().max_by_key(|meta| meta.transaction).ok_or(BoltError::Meta)?;
        let pages = newest.pages.min(length / newest.page_bytes);
        Ok(Bolt { file, page_bytes: newest.page_bytes, pages, root: newest.root })
    }

    /// The bucket at the end of a path of names; `None` where there is none.
    pub(super) fn bucket(&self, path: &[&[u8]]) -> Result<Option<Bucket>, BoltError> {
        let mut at = Bucket::Page(self.root);
        for name in path {
            match self.find(&at, name)? {
                Some(Found::Bucket(bucket)) => at = bucket,
                _ => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// The value of a key in a bucket.
    pub(super) fn value(&self, bucket: &Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, BoltError> {
        Ok(match self.find(bucket, key)? {
            Some(Found::Value(value)) => Some(value),
            _ => None,
        })
    }

    fn find(&self, bucket: &Bucket, key: &[u8]) -> Result<Option<Found>, BoltError> {
        let mut page = match bucket {
            Bucket::Inline(page) => return leaf(page, key).ok_or(BoltError::Page(0)),
            Bucket::Page(page) => *page,
        };
        for _ in 0..DEPTH_MAX {
            let bytes = self.page(page)?;
            match number(&bytes, 8, 2) {
                Some(LEAF) => return leaf(&bytes, key).ok_or(BoltError::Page(page)),
                Some(BRANCH) => page = branch(&bytes, key).ok_or(BoltError::Page(page))?,
                _ => return Err(BoltError::Page(page)),
            }
        }
        Err(BoltError::Page(page))
    }

    /// A page with those that overflow from it.
    fn page(&self, page: u64) -> Result<Vec<u8>, BoltError> {
        let damaged = || BoltError::Page(page);
        let read = |bytes: u64| {
            let mut buffer = vec![0; usize::try_from(bytes).map_err(|_| damaged())?];
            let at = page.checked_mul(self.page_bytes).ok_or_else(damaged)?;
            self.file.read_exact_at(&mut buffer, at).map_err(BoltError::Io).map(|()| buffer)
        };
        if page < 2 || page >= self.pages {
            return Err(damaged());
        }
        let first = read(self.page_bytes)?;
        let overflow = number(&first, 12, 4).ok_or_else(damaged)?;
        if number(&first, 0, 8) != Some(page) || overflow > OVERFLOW_MAX || page + overflow >= self.pages {
            return Err(damaged());
        }
        if overflow == 0 { Ok(first) } else { read(self.page_bytes * (overflow + 1)) }
    }
}

fn meta(file: &File, at: u64) -> Option<Meta> {
    let mut bytes = [0; 80];
    file.read_exact_at(&mut bytes, at).ok()?;
    let hashed = bytes.get(16..72)?;
    let hash = hashed.iter().fold(FNV_START, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME));
    let at = |offset: usize, width: usize| number(&bytes, 16 + offset, width);
    let is_meta = at(0, 4) == Some(MAGIC) && at(4, 4) == Some(VERSION) && at(56, 8) == Some(hash);
    let page_bytes = at(8, 4).filter(|size| PAGE_SIZES.contains(size))?;
    let meta = Meta { page_bytes, root: at(16, 8)?, pages: at(40, 8)?, transaction: at(48, 8)? };
    is_meta.then_some(meta)
}

/// The child of a branch page that may hold the key: the last whose first key is not after it.
fn branch(page: &[u8], key: &[u8]) -> Option<u64> {
    let count = usize::try_from(number(page, 10, 2)?).ok()?;
    let mut child = None;
    for at in (0..count).map(|index| HEADER + index * ELEMENT) {
        let own = slice(page, at, number(page, at, 4)?, number(page, at + 4, 4)?)?;
        if child.is_some() && own > key {
            break;
        }
        child = Some(number(page, at + 8, 8)?);
    }
    child
}

/// The entry of a leaf page; the outer `None` is damage.
fn leaf(page: &[u8], key: &[u8]) -> Option<Option<Found>> {
    let count = usize::try_from(number(page, 10, 2)?).ok()?;
    for at in (0..count).map(|index| HEADER + index * ELEMENT) {
        let [flags, position, key_bytes, value_bytes] =
            [0, 4, 8, 12].map(|offset| number(page, at + offset, 4)).map(|number| number.unwrap_or(u64::MAX));
        if slice(page, at, position, key_bytes)? != key {
            continue;
        }
        let value = slice(page, at, position.checked_add(key_bytes)?, value_bytes)?;
        if flags & 1 == 0 {
            return Some(Some(Found::Value(value.to_vec())));
        }
        let bucket = match number(value, 0, 8)? {
            0 => Bucket::Inline(value.get(16..)?.to_vec()),
            root => Bucket::Page(root),
        };
        return Some(Some(Found::Bucket(bucket)));
    }
    Some(None)
}

/// Bytes at a position that counts from the element at `at`.
fn slice(page: &[u8], at: usize, position: u64, length: u64) -> Option<&[u8]> {
    let start = at.checked_add(usize::try_from(position).ok()?)?;
    page.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// A number in little-endian order. The database has the order of the machine that wrote it; those are little-endian.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let part = bytes.get(at..at.checked_add(width)?)?;
    Some(part.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

const MAGIC: u64 = 0xED0C_DAED;
const VERSION: u64 = 2;
const BRANCH: u64 = 1;
const LEAF: u64 = 2;
const HEADER: usize = 16;
const ELEMENT: usize = 16;
/// The page of the operating system: 4 KiB, on arm64 also 16 and 64 KiB.
const PAGE_SIZES: [u64; 5] = [4096, 8192, 16384, 32768, 65536];
/// A tree of 4 KiB pages with two children each would hold 2^32 leaves at this depth.
const DEPTH_MAX: usize = 32;
/// Values of containerd are below 1 MiB: labels of images.
const OVERFLOW_MAX: u64 = 1024;
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x100_0000_01b3;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) enum Entry {
        Value(Vec<u8>),
        Bucket(Vec<u8>),
    }

    /// A leaf page of sorted entries.
    pub(crate) fn leaf_page(id: u64, entries: &[(&str, Entry)]) -> Vec<u8> {
        let mut page =
            [&id.to_le_bytes()[..], &2_u16.to_le_bytes(), &(entries.len() as u16).to_le_bytes(), &[0; 4]].concat();
        let mut data = Vec::new();
        for (index, (key, entry)) in entries.iter().enumerate() {
            let (flags, value) = match entry {
                Entry::Value(value) => (0_u32, value),
                Entry::Bucket(value) => (1, value),
            };
            let position = (entries.len() - index) * 16 + data.len();
            for number in [flags, position as u32, key.len() as u32, value.len() as u32] {
                page.extend(number.to_le_bytes());
            }
            data.extend_from_slice(key.as_bytes());
            data.extend_from_slice(value);
        }
        page.extend(data);
        page
    }

    pub(crate) fn inline(entries: &[(&str, Entry)]) -> Entry {
        Entry::Bucket([vec![0; 16], leaf_page(0, entries)].concat())
    }

    /// A database whose root is the page of number 3 and whose pages from 3 on are these.
    pub(crate) fn database(pages: &[Vec<u8>]) -> Vec<u8> {
        let mut file = Vec::new();
        for transaction in 0_u64..2 {
            let mut meta = Vec::new();
            [MAGIC, VERSION, 4096, 0].iter().for_each(|number| meta.extend((*number as u32).to_le_bytes()));
            [3, 0, 2, 3 + pages.len() as u64, transaction]
                .iter()
                .for_each(|number: &u64| meta.extend(number.to_le_bytes()));
            let hash = meta.iter().fold(FNV_START, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME));
            file.extend([vec![0; 16], meta, hash.to_le_bytes().to_vec()].concat());
            file.resize((transaction as usize + 1) * 4096, 0);
        }
        file.resize(3 * 4096, 0);
        for page in pages {
            file.extend_from_slice(page);
            file.resize(file.len().div_ceil(4096) * 4096, 0);
        }
        file
    }

    #[test]
    fn names_are_found_through_branches_and_damage_is_an_error() {
        let value = |text: &str| Entry::Value(text.as_bytes().to_vec());
        let mut branch = [&3_u64.to_le_bytes()[..], &1_u16.to_le_bytes(), &2_u16.to_le_bytes(), &[0; 4]].concat();
        for (position, page) in [(32_u32, 4_u64), (17, 5)] {
            branch.extend([&position.to_le_bytes()[..], &1_u32.to_le_bytes(), &page.to_le_bytes()].concat());
        }
        branch.extend(b"am");
        let leaves = [
            leaf_page(4, &[("a", value("1")), ("b", inline(&[("in", value("2"))]))]),
            leaf_page(5, &[("m", value("3"))]),
        ];
        let bytes = database(&[branch, leaves[0].clone(), leaves[1].clone()]);
        let path = std::env::temp_dir().join(format!("kobuk-bolt-{}", std::process::id()));
        let read = |bytes: &[u8], path_of: &[&[u8]], key: &str| -> Result<Option<Vec<u8>>, BoltError> {
            std::fs::write(&path, bytes).expect("a file");
            let bolt = Bolt::open(&path)?;
            let Some(bucket) = bolt.bucket(path_of)? else { return Ok(None) };
            bolt.value(&bucket, key.as_bytes())
        };
        assert_eq!(read(&bytes, &[], "a").expect("whole"), Some(b"1".to_vec()));
        assert_eq!(read(&bytes, &[], "m").expect("whole"), Some(b"3".to_vec()));
        assert_eq!(read(&bytes, &[b"b"], "in").expect("whole"), Some(b"2".to_vec()));
        assert_eq!(read(&bytes, &[b"a"], "in").expect("whole"), None);
        assert_eq!(read(&bytes, &[], "zz").expect("whole"), None);
        assert!(matches!(read(&bytes[..100], &[], "a"), Ok(None) | Err(_)));
        assert!(matches!(read(&[0; 9000], &[], "a"), Err(BoltError::Meta)));
        // A branch that leads to itself, and every byte of the pages changed: errors or nothing, no panic, no endless walk.
        for at in (3 * 4096..3 * 4096 + 80).chain(4 * 4096..4 * 4096 + 80) {
            for with in [0, 1, 3, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = with;
                let _ = read(&changed, &[b"b"], "in");
            }
        }
        let _ = std::fs::remove_file(&path);
    }
}
