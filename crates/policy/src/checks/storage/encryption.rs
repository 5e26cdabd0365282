//! What provisioners do about encryption at rest, as far as their parameters tell.

use manifest::Value;

/// How a provisioner encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Off unless one of the parameters has one of the values; an empty value stands for any.
    Parameter(&'static [(&'static str, &'static str)]),
    /// Always on with the provider's key; one of these parameters names a key of the owner.
    Provider(&'static [&'static str]),
    /// A directory or disk of the node.
    Node,
}

/// What is known of a provisioner; `None` for one that is not known, or whose parameters do not tell.
pub(super) fn encryption(provisioner: &str) -> Option<Encryption> {
    use Encryption::*;
    // Operators run the Ceph drivers under a name with their namespace in front.
    if provisioner.ends_with("rbd.csi.ceph.com") || provisioner.ends_with("cephfs.csi.ceph.com") {
        return Some(Parameter(&[("encrypted", "true")]));
    }
    Some(match provisioner {
        "ebs.csi.aws.com" | "ebs.csi.eks.amazonaws.com" | "kubernetes.io/aws-ebs" => {
            Parameter(&[("encrypted", "true")])
        }
        "diskplugin.csi.alibabacloud.com" | "driver.longhorn.io" | "csi.scaleway.com" => {
            Parameter(&[("encrypted", "true")])
        }
        "pxd.portworx.com" | "kubernetes.io/portworx-volume" => Parameter(&[("secure", "true")]),
        "linstor.csi.linbit.com" => Parameter(&[("linstor.csi.linbit.com/encryption", "true"), ("encryption", "true")]),
        "zfs.csi.openebs.io" => Parameter(&[("encryption", "")]),
        "storage.csi.upcloud.com" => Parameter(&[("encryption", "data-at-rest")]),
        "linodebs.csi.linode.com" => Parameter(&[("linodebs.csi.linode.com/luks-encrypted", "true")]),
        "csi.hetzner.cloud" => Parameter(&[
            ("csi.storage.k8s.io/node-publish-secret-name", ""),
            ("csi.storage.k8s.io/node-stage-secret-name", ""),
        ]),
        "pd.csi.storage.gke.io" | "kubernetes.io/gce-pd" => Provider(&["disk-encryption-kms-key"]),
        "filestore.csi.storage.gke.io" => Provider(&["instance-encryption-kms-key"]),
        "disk.csi.azure.com" | "kubernetes.io/azure-disk" => Provider(&["diskEncryptionSetID"]),
        "file.csi.azure.com" | "kubernetes.io/azure-file" | "blob.csi.azure.com" | "dobs.csi.digitalocean.com" => {
            Provider(&[])
        }
        "vpc.block.csi.ibm.io" => Provider(&["encryptionKey"]),
        "blockvolume.csi.oraclecloud.com" => Provider(&["kms-key-id"]),
        "rancher.io/local-path"
        | "k8s.io/minikube-hostpath"
        | "docker.io/hostpath"
        | "microk8s.io/hostpath"
        | "kubernetes.io/host-path"
        | "hostpath.csi.k8s.io"
        | "openebs.io/local" => Node,
        _ => return None,
    })
}

/// The value of a parameter. Provisioners compare names of parameters without regard to case.
pub(super) fn parameter<'d>(class: Value<'d>, name: &str) -> Option<Value<'d>> {
    class.get("parameters")?.entries().find_map(|(key, value)| {
        let matches = key.as_str().is_some_and(|key| key.eq_ignore_ascii_case(name));
        (matches && !value.is_null()).then_some(value)
    })
}
