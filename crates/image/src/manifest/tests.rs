use super::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn descriptor(media_type: &str, more: &str) -> String {
    format!(r#"{{"mediaType": "{media_type}", "digest": "sha256:{HEX}", "size": 7{more}}}"#)
}

fn manifest(layers: &[String], more: &str) -> String {
    let config = descriptor("application/vnd.oci.image.config.v1+json", "");
    format!(r#"{{"schemaVersion": 2, "config": {config}, "layers": [{}]{more}}}"#, layers.join(","))
}

fn index(entries: &[String]) -> String {
    format!(r#"{{"schemaVersion": 2, "mediaType": "{OCI_INDEX}", "manifests": [{}]}}"#, entries.join(","))
}

fn platform(os: &str, architecture: &str, variant: &str) -> String {
    let platform =
        format!(r#", "platform": {{"os": "{os}", "architecture": "{architecture}", "variant": "{variant}"}}"#);
    descriptor(OCI_MANIFEST, &platform)
}

#[test]
fn manifests_and_indexes_of_both_families_are_read() {
    let layer = || vec![descriptor(LAYER, r#", "urls": ["file:///etc/passwd"]"#)];
    let Ok(Document::Manifest(read)) = Document::read(manifest(&layer(), "").as_bytes(), Some(OCI_MANIFEST)) else {
        panic!("a manifest")
    };
    assert_eq!((read.layers[0].kind, read.layers[0].size, read.layers[0].has_urls), (MediaType::TarGzip, 7, true));
    let docker = manifest(&layer(), &format!(r#", "mediaType": "{DOCKER_MANIFEST}""#));
    assert!(Document::read(docker.as_bytes(), Some("application/json; charset=utf-8")).is_ok());
    assert!(Document::read(docker.as_bytes(), Some(DOCKER_MANIFEST)).is_ok());
    assert!(matches!(Document::read(docker.as_bytes(), Some(OCI_MANIFEST)), Err(ManifestError::Announced { .. })));
    assert!(matches!(Document::read(docker.as_bytes(), Some(OCI_INDEX)), Err(ManifestError::Announced { .. })));
}

#[test]
fn what_cannot_be_judged_is_refused_by_name() {
    #[track_caller]
    fn rejects(text: &str, words: &str) {
        let error = Document::read(text.as_bytes(), None).expect_err(text).to_string();
        assert!(error.contains(words), "{error}");
    }
    let with = |media_type: &str| manifest(&[descriptor(media_type, "")], "");
    rejects(&with("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), "foreign layer");
    rejects(&with("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"), "foreign layer");
    rejects(&with("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"), "encrypted");
    rejects(
        &with("application/vnd.dev.cosign.simplesigning.v1+json"),
        "unknown media type \"application/vnd.dev.cosign",
    );
    rejects(&with("application/vnd.oci.image.config.v1+json"), "unknown media type");
    rejects(&manifest(&[], ""), "no layers");
    rejects(&manifest(&[descriptor(LAYER, "")], r#", "manifests": []"#), "an index and a manifest at once");
    rejects(&manifest(&[descriptor(LAYER, "")], r#", "artifactType": "application/vnd.chart""#), "artifact");
    rejects(&manifest(&[descriptor(LAYER, "")], r#", "mediaType": 7"#), "mediaType");
    rejects(&manifest(&[descriptor(LAYER, "").replace("sha256:e3", "sha256:../")], ""), "layers[0].digest");
    rejects(&manifest(&[descriptor(LAYER, "").replace(": 7", ": -7")], ""), "layers[0].size");
    rejects(&manifest(&vec![descriptor(LAYER, ""); 1001], ""), "1001 entries");
    rejects(&manifest(&[descriptor(LAYER, "")], &format!(r#", "mediaType": "{OCI_INDEX}""#)), "neither");
    rejects(r#"{"schemaVersion": 1, "fsLayers": []}"#, "schema 1");
    rejects(r#"{"schemaVersion": 2}"#, "neither");
    rejects(r#"{"schemaVersion": 3, "manifests": []}"#, "schemaVersion");
    rejects(&index(&[descriptor("text/html", "")]), "manifests[0]");
    rejects(&index(&vec![platform("linux", "amd64", ""); 1001]), "1001 entries");
}

#[test]
fn the_platform_is_selected_and_attestations_are_passed_over() {
    let attestation =
        descriptor(OCI_MANIFEST, r#", "annotations": {"vnd.docker.reference.type": "attestation-manifest"}"#);
    let entries = [
        attestation,
        platform("unknown", "unknown", ""),
        platform("windows", "amd64", ""),
        platform("linux", "arm", "v6").replace("e3b0", "aaaa"),
        platform("linux", "arm", "v5").replace("e3b0", "bbbb"),
        platform("linux", "amd64", "").replace("e3b0", "cccc"),
    ];
    let Ok(Document::Index(read)) = Document::read(index(&entries).as_bytes(), None) else { panic!("an index") };
    assert_eq!((read.manifests.len(), read.attestations), (4, 2));
    let first = |platform: &str| {
        let platform: Platform = platform.parse().expect("a platform");
        read.select(&platform).map(|entry| entry.digest.hex()[..4].to_owned()).map_err(|error| error.to_string())
    };
    assert_eq!(first("linux/amd64"), Ok("cccc".to_owned()));
    assert_eq!(first("linux/arm/v7"), Ok("aaaa".to_owned()));
    assert_eq!(first("linux/arm/v5"), Ok("bbbb".to_owned()));
    let nothing = first("linux/s390x").expect_err("none");
    assert_eq!(nothing, "no image for linux/s390x among linux/amd64, linux/arm/v5, linux/arm/v6, windows/amd64");
}
