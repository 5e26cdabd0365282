//! Layers whose packing is a bomb, is broken, or is not what was promised.

use std::io::Write;

use super::{above_base, base, folder, lodash};
use crate::image::{Layer, Tar, digest};

/// A layer as it is.
pub(crate) fn plain(tar: &[u8]) -> Layer {
    Layer { packed: tar.to_vec(), diff_id: digest(tar), form: "tar" }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_ends_at_the_bound_in_little_memory() {
    let folder = folder("hostile-bomb");
    // One file of eight gigabytes of zeros: the same megabyte again and again, in members of one stream.
    let mut header = Tar::default();
    let mut block = [0u8; 512];
    block[..4].copy_from_slice(b"zero");
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{:011o}", (8u64 << 30) - 512).as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[156] = b'0';
    header = header.sealed(block, &[]);
    let mut packed = gzip(header.bytes());
    let member = gzip(&vec![0; 8 << 20]);
    for _ in 0..1024 {
        packed.extend_from_slice(&member);
    }
    assert!(packed.len() < 64 << 20);
    let layer = Layer { packed, diff_id: digest(b"never reached"), form: "tar+gzip" };
    let outcome = above_base(&folder, layer);
    assert_eq!(outcome.code, 2, "{}", outcome.says());
    assert_eq!(outcome.names(), ["CVE-2024-5535"], "{}", outcome.says());
    assert!(outcome.says().contains("times its size"), "{}", outcome.says());
}

#[test]
fn a_window_of_two_gigabytes_is_refused() {
    let folder = folder("hostile-window");
    // Magic, no content size, a window of 2^31 bytes, one last block of one repeated byte.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x03, 0x10, 0x00, 0x00];
    let layer = Layer { packed: frame.to_vec(), diff_id: digest(b"x"), form: "tar+zstd" };
    let outcome = above_base(&folder, layer);
    assert_eq!((outcome.code, outcome.names()), (2, vec!["CVE-2024-5535".to_owned()]), "{}", outcome.says());
}

#[test]
fn several_members_are_one_layer_and_what_follows_them_is_told() {
    let folder = folder("hostile-members");
    let tar = lodash().end();
    let mut packed = gzip(&tar[..600]);
    packed.extend(gzip(&tar[600..]));
    let outcome = above_base(&folder, Layer { packed: packed.clone(), diff_id: digest(&tar), form: "tar+gzip" });
    assert_eq!((outcome.code, outcome.names().len()), (1, 2), "{}", outcome.says());
    packed.extend_from_slice(b"this is no member");
    let outcome = above_base(&folder, Layer { packed, diff_id: digest(&tar), form: "tar+gzip" });
    assert!(outcome.names().contains(&"CVE-2024-5535".to_owned()), "{}", outcome.says());
    assert_eq!(outcome.code, 2, "{}", outcome.says());
}

#[test]
fn a_stream_that_is_cut_changed_or_no_stream_gives_no_facts() {
    let folder = folder("hostile-streams");
    let good = lodash().layer();
    let mut streams: Vec<Vec<u8>> = [0, 1, 9, 10, 40, good.packed.len() - 9, good.packed.len() - 1]
        .iter()
        .map(|cut| good.packed[..*cut].to_vec())
        .collect();
    for at in [3, 12, good.packed.len() / 2, good.packed.len() - 6] {
        let mut changed = good.packed.clone();
        changed[at] ^= 0xff;
        streams.push(changed);
    }
    streams.push(b"<html>not found</html>".to_vec());
    streams.push(vec![0xff; 4096]);
    for packed in streams {
        let length = packed.len();
        let outcome = above_base(&folder, Layer { packed, ..good.clone() });
        assert_eq!(
            (outcome.code, outcome.names()),
            (2, vec!["CVE-2024-5535".to_owned()]),
            "{length}: {}",
            outcome.says()
        );
    }
}

#[test]
fn another_layer_than_promised_is_not_believed_even_when_it_was_scanned_before() {
    let folder = folder("hostile-promises");
    let mut layer = lodash().layer();
    layer.diff_id = digest(b"another");
    let outcome = above_base(&folder, layer);
    assert_eq!((outcome.code, outcome.names()), (2, vec!["CVE-2024-5535".to_owned()]), "{}", outcome.says());
    assert!(outcome.says().contains("was promised"), "{}", outcome.says());
    // A clean layer is known from before; another blob that is promised to unpack to it is read all the same.
    let clean = Tar::default().file("app/readme", "x").layer();
    assert_eq!(above_base(&folder, clean.clone()).code, 1);
    let image = crate::image::Image::of(vec![base().layer(), Layer { diff_id: clean.diff_id, ..lodash().layer() }]);
    let outcome = super::scan(&folder, &image);
    assert_eq!(outcome.code, 2, "{}", outcome.says());
}
