//! Layers as they are packed, and the digests of both sides taken while they are unpacked.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use aws_lc_rs::digest;
use model::Digest;
use model::digest::Algorithm;

/// How a layer is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, of one or more members.
    Gzip,
    /// Zstandard, of one or more frames.
    Zstd,
}

impl Compression {
    /// What the first bytes say.
    pub fn of_bytes(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            // Skippable frames, which seekable Zstandard begins with.
            [first, 0x2a, 0x4d, 0x18, ..] if first & 0xf0 == 0x50 => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// What the media type of a layer says; `None` for types that are no layers or do not say.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let known = media_type.starts_with("application/vnd.oci.image.layer.")
            || media_type.starts_with("application/vnd.docker.image.rootfs.");
        match media_type.rsplit_once(['+', '.']) {
            _ if !known => None,
            Some((_, "gzip")) => Some(Compression::Gzip),
            Some((_, "zstd")) => Some(Compression::Zstd),
            Some((_, "tar")) => Some(Compression::None),
            _ => None,
        }
    }
}

/// A reader that counts and digests what passes through it.
pub struct Digesting<R> {
    reader: R,
    context: digest::Context,
    told: Rc<Cell<u64>>,
}

impl<R> Digesting<R> {
    /// Digests what is read from now on; `counter` is told how many bytes there were.
    pub fn new(reader: R, algorithm: Algorithm, counter: Rc<Cell<u64>>) -> Self {
        let algorithm = match algorithm {
            Algorithm::Sha256 => &digest::SHA256,
            Algorithm::Sha512 => &digest::SHA512,
        };
        Digesting { reader, context: digest::Context::new(algorithm), told: counter }
    }

    /// The digest of everything that was read.
    pub fn digest(self) -> Option<Digest> {
        Digest::of_hash(self.context.finish().as_ref())
    }

    /// The reader beneath.
    pub fn inner(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The digest, and the reader beneath.
    pub fn finish(self) -> (Option<Digest>, R) {
        (Digest::of_hash(self.context.finish().as_ref()), self.reader)
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.context.update(&buffer[..length]);
        self.told.set(self.told.get() + length as u64);
        Ok(length)
    }
}

/// Unpacks a stream.
pub enum Unpacked<R: Read> {
    /// As it is.
    None(Source<R>),
    /// gzip.
    Gzip(Box<flate2::bufread::MultiGzDecoder<Source<R>>>),
    /// Zstandard.
    Zstd(Box<zstd::stream::read::Decoder<'static, Source<R>>>),
}

impl<R: Read> Unpacked<R> {
    /// A stream of that packing. Fails when the memory for a window cannot be had.
    pub fn new(reader: R, compression: Compression) -> io::Result<Self> {
        let source = Source { reader, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0 };
        Ok(match compression {
            Compression::None => Unpacked::None(source),
            Compression::Gzip => Unpacked::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(source))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                Unpacked::Zstd(Box::new(decoder))
            }
        })
    }

    /// Reads what is left of the packed side and gives the reader beneath. What an unpacker left belongs to no member: the
    /// number of those bytes is told.
    pub fn finish(self) -> io::Result<(R, u64)> {
        let mut source = match self {
            Unpacked::None(source) => source,
            Unpacked::Gzip(decoder) => decoder.into_inner(),
            Unpacked::Zstd(decoder) => decoder.finish(),
        };
        let mut rest = 0;
        loop {
            let length = source.fill_buf()?.len();
            if length == 0 {
                return Ok((source.reader, rest));
            }
            rest += length as u64;
            source.consume(length);
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::None(source) => source.reader.read(buffer),
            Unpacked::Gzip(decoder) => decoder.read(buffer),
            Unpacked::Zstd(decoder) => decoder.read(buffer),
        }
    }
}

/// The packed side with its buffer.
pub struct Source<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.fill_buf()?;
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.end = self.reader.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

/// Bytes read of the packed side at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Largest window of Zstandard, as a power of two. The tools that build images use at most 27 (`--long`), which are
/// 128 MiB; a frame may ask for 2 GiB.
const WINDOW_LOG_MAX: u32 = 27;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn unpack(bytes: &[u8], compression: Compression) -> io::Result<(Vec<u8>, u64)> {
        let mut stream = Unpacked::new(bytes, compression)?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        Ok((text, stream.finish()?.1))
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_packing_gives_back_what_went_in() {
        let text = b"kobuk ".repeat(100_000);
        let zstd = zstd::stream::encode_all(&text[..], 1).unwrap();
        for (bytes, compression) in [
            (text.clone(), Compression::None),
            (gzip(&text), Compression::Gzip),
            ([gzip(&text[..100]), gzip(&text[100..])].concat(), Compression::Gzip),
            (
                [
                    zstd::stream::encode_all(&text[..100], 1).unwrap(),
                    zstd::stream::encode_all(&text[100..], 1).unwrap(),
                ]
                .concat(),
                Compression::Zstd,
            ),
            (zstd, Compression::Zstd),
        ] {
            assert_eq!(Compression::of_bytes(&bytes), compression);
            assert_eq!(unpack(&bytes, compression).unwrap(), (text.clone(), 0));
        }
    }

    #[test]
    fn cut_and_padded_streams_do_not_pass_for_whole_ones() {
        let bytes = gzip(&b"kobuk ".repeat(1000));
        assert!(unpack(&bytes[..bytes.len() - 9], Compression::Gzip).is_err());
        let mut garbage = bytes.clone();
        garbage.extend(b"garbage that is no member");
        assert!(unpack(&garbage, Compression::Gzip).is_err());
    }

    #[test]
    fn media_types_tell_the_packing() {
        for (media_type, expect) in [
            ("application/vnd.oci.image.layer.v1.tar+gzip", Some(Compression::Gzip)),
            ("application/vnd.oci.image.layer.v1.tar", Some(Compression::None)),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", Some(Compression::Gzip)),
            ("application/vnd.docker.image.rootfs.diff.tar.zstd", Some(Compression::Zstd)),
            ("application/vnd.oci.image.config.v1+json", None),
        ] {
            assert_eq!(Compression::of_media_type(media_type), expect, "{media_type}");
        }
    }
}
