//! Cases for the rules on storage.

use crate::checks::access::tests::{Case, findings, judge};

const CASES: &[Case] = &[
    (
        "volume-host-path",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {hostPath: {path: /data}}\n",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {csi: {driver: ebs.csi.aws.com, volumeHandle: v}}\n",
    ),
    (
        "volume-local",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {local: {path: /mnt/disk1}}\n",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {csi: {driver: ebs.csi.aws.com, volumeHandle: v}}\n",
    ),
    (
        "volume-nfs-unauthenticated",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {mountOptions: ['nfsvers=4.1'], nfs: {server: s, path: /}}\n",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {mountOptions: ['nfsvers=4.1,sec=krb5p'], nfs: {server: s, path: /}}\n",
    ),
    (
        "volume-nfs-unauthenticated",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}], volumes: [{name: v, nfs: {server: s, path: /}}]}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}], volumes: [{name: v, emptyDir: {}}]}\n",
    ),
    (
        "volume-nfs-unauthenticated",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: nfs.csi.k8s.io\nmountOptions: ['sec=krb5:sys']\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: nfs.csi.k8s.io\nmountOptions: [xprtsec=mtls]\n",
    ),
    (
        "volume-iscsi-unauthenticated",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {iscsi: {targetPortal: t, chapAuthDiscovery: true, secretRef: {name: s}}}\n",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {iscsi: {targetPortal: t, chapAuthSession: true, secretRef: {name: s}}}\n",
    ),
    (
        "volume-network-unauthenticated",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {cephfs: {monitors: [m], secretFile: /etc/ceph/key}}\n",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {cephfs: {monitors: [m], secretRef: {name: s}}}\n",
    ),
    (
        "volume-reclaim-recycle",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {persistentVolumeReclaimPolicy: Recycle}\n",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {persistentVolumeReclaimPolicy: Retain}\n",
    ),
    (
        "claim-read-write-many",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteMany]}\n",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce]}\n",
    ),
    (
        "claim-class-not-found",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {storageClassName: fast}\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: slow}\nprovisioner: x\n",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {storageClassName: slow}\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: slow}\nprovisioner: x\n",
    ),
    (
        "claim-without-class",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {}\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: slow}\nprovisioner: x\n",
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nspec: {}\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: slow, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}\nprovisioner: x\n",
    ),
    (
        "storage-class-unencrypted",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: ebs.csi.aws.com\nparameters: {encrypted: 'false'}\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: ebs.csi.aws.com\nparameters: {Encrypted: 'true'}\n",
    ),
    (
        "storage-class-unencrypted",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: rook-ceph.rbd.csi.ceph.com\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: rook-ceph.rbd.csi.ceph.com\nparameters: {encrypted: 'true'}\n",
    ),
    (
        "storage-class-provider-key",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: pd.csi.storage.gke.io\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: pd.csi.storage.gke.io\nparameters: {disk-encryption-kms-key: k}\n",
    ),
    (
        "storage-class-encryption-unknown",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: csi.example.com\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: ebs.csi.aws.com\n",
    ),
    (
        "storage-class-node-directory",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: rancher.io/local-path\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: ebs.csi.aws.com\n",
    ),
    (
        "storage-class-retains",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: ebs.csi.aws.com\nreclaimPolicy: Retain\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: kubernetes.io/no-provisioner\nreclaimPolicy: Retain\n",
    ),
    (
        "storage-class-plain-transit",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: efs.csi.aws.com\nparameters: {encryptInTransit: 'false'}\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: efs.csi.aws.com\n",
    ),
    (
        "csi-driver-token-audience",
        "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: a}\nspec: {tokenRequests: [{audience: ''}]}\n",
        "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: a}\nspec: {tokenRequests: [{audience: vault}]}\n",
    ),
    (
        "csi-driver-token-not-renewed",
        "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: a}\nspec: {tokenRequests: [{audience: vault}]}\n",
        "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: a}\nspec: {requiresRepublish: true, tokenRequests: [{audience: vault}]}\n",
    ),
    (
        "csi-driver-fs-group-file",
        "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: a}\nspec: {fsGroupPolicy: File}\n",
        "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: a}\nspec: {fsGroupPolicy: None}\n",
    ),
    (
        "snapshot-class-deletes",
        "apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshotClass\nmetadata: {name: a}\ndriver: x\ndeletionPolicy: Delete\n",
        "apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshotClass\nmetadata: {name: a}\ndriver: x\ndeletionPolicy: Retain\n",
    ),
];

#[test]
fn every_rule_reports_the_bad_form_and_accepts_the_good_one() {
    judge(CASES, super::OBJECT_CHECKS, super::INVENTORY_CHECKS);
}

#[test]
fn an_unknown_provisioner_is_never_called_unencrypted() {
    let text = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: csi.example.com\n";
    assert!(findings(text).iter().all(|finding| finding.rule.code == "storage-class-encryption-unknown"));
}
