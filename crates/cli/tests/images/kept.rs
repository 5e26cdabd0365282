//! What is kept of layers: it makes no difference but time, and nothing else is written.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use super::{alone, with_database};
use crate::image::{self, Image, Tar, expect, listing};

fn entries(folder: &Path) -> Vec<String> {
    listing(&folder.join("cache"))
}

#[test]
fn a_second_scan_knows_the_layers_and_prints_the_same_bytes() {
    let folder = with_database("kept-twice");
    let words = ["scan", "image", "example.tar", "--format", "json"];
    let first = expect(&folder, &words, 1);
    let kept = entries(&folder);
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(expect(&folder, &words, 1), first);
    assert_eq!(entries(&folder), kept);
    // A scan for less is kept apart, for it knows less.
    expect(&folder, &["sbom", "example.tar"], 0);
    assert_eq!(entries(&folder).len(), 4);
    assert_eq!(expect(&folder, &words, 1), first);
}

#[test]
fn an_entry_that_was_changed_cut_or_swapped_is_as_if_it_were_not_there() {
    let folder = with_database("kept-damaged");
    let words = ["scan", "image", "example.tar", "--format", "json"];
    let first = expect(&folder, &words, 1);
    let kept = entries(&folder);
    let path = |index: usize| folder.join("cache").join(&kept[index]);
    let good: Vec<Vec<u8>> = (0..kept.len()).map(|index| std::fs::read(path(index)).unwrap()).collect();
    let swapped = [good[1].clone(), good[0].clone()];
    let cut = [good[0][..good[0].len() / 2].to_vec(), Vec::new()];
    let changed = good.iter().map(|bytes| bytes.iter().map(|byte| byte ^ 1).collect()).collect::<Vec<Vec<u8>>>();
    let believed = [b"{}".to_vec(), b"kobuk layer facts 1\n".to_vec()];
    for bad in [&swapped[..], &cut, &changed, &believed] {
        for (index, bytes) in bad.iter().enumerate() {
            std::fs::write(path(index), bytes).unwrap();
        }
        assert_eq!(expect(&folder, &words, 1), first);
        assert_eq!(std::fs::read(path(0)).unwrap(), good[0], "the entry was not mended");
    }
}

#[test]
fn without_a_cache_nothing_is_left() {
    let folder = alone("kept-nothing");
    let before = listing(&folder);
    expect(&folder, &["scan", "image", "example.tar", "--no-cache"], 2);
    expect(&folder, &["sbom", "example.tar", "--no-cache"], 0);
    assert_eq!(listing(&folder), before);
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_be_written_costs_no_result() {
    let folder = with_database("kept-read-only");
    let first = expect(&folder, &["scan", "image", "example.tar", "-f", "json", "--no-cache"], 1);
    std::fs::write(folder.join("cache"), b"a file where the folder belongs").unwrap();
    assert_eq!(expect(&folder, &["scan", "image", "example.tar", "-f", "json"], 1), first);
}

#[test]
fn a_scan_that_is_killed_leaves_no_entry_that_is_believed() {
    let folder = with_database("kept-killed");
    let mut layers = Vec::new();
    for number in 0..4u8 {
        let mut tar = Tar::default().file("etc/os-release", "ID=debian\nVERSION_ID=12\n");
        for file in 0..400u32 {
            let name = format!("usr/lib/node_modules/p{number}-{file}/package.json");
            tar = tar.file(name, format!("{{\"name\": \"p{number}-{file}\", \"version\": \"1.0.{file}\"}}"));
        }
        layers.push(tar.layer());
    }
    Image::of(layers).write(&folder.join("layout"));
    let words = ["sbom", "layout", "--format", "text"];
    let whole = expect(&folder, &[&words[..], &["--no-cache"]].concat(), 0);
    assert_eq!(whole.lines().count(), 1600);
    for milliseconds in [4, 10, 16, 24, 40] {
        let mut command = image::command(&folder, &words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        let _ = child.kill();
        child.wait().unwrap();
        assert_eq!(expect(&folder, &words, 0), whole, "killed after {milliseconds} ms");
        let _ = std::fs::remove_dir_all(folder.join("cache"));
    }
}
