//! Volume plugins of earlier releases.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::path::Path;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A gitRepo volume.
pub static GIT_REPO: Rule = Rule {
    code: "manifest-volume-git-repo",
    title: "A gitRepo volume runs git on the node",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::part("DV-12"), Serves::part("RC-10"), Serves::part("RC-25")],
    why: "The kubelet clones the repository as root outside any container. Hooks in a repository that an attacker \
          prepared have run as root on the node; releases from 1.33 on keep the plugin switched off.",
    fix: "Clone into an emptyDir from an init container that runs without privileges, or ship the files in an image.",
    example: "volumes:\n  - name: source\n    emptyDir: {}\n",
};

/// A volume plugin that is gone or handed to a CSI driver.
pub static PLUGIN: Rule = Rule {
    code: "manifest-volume-plugin",
    title: "A volume plugin is gone or moved to a driver",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11")],
    why: "Pods with a volume whose plugin is gone do not start. A moved plugin works only where the matching CSI driver \
          is installed, with the driver's rights and settings instead of the kubelet's.",
    fix: "Use a PersistentVolumeClaim with the StorageClass of a CSI driver.",
    example: "volumes:\n  - name: data\n    persistentVolumeClaim:\n      claimName: data\n",
};

/// The check on pods.
pub(crate) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Workload, rules: &[&GIT_REPO, &PLUGIN], run: check_pods };

/// The check on PersistentVolumes.
pub(crate) const PERSISTENT_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Volume, rules: &[&PLUGIN], run: check_persistent };

fn check_pods(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        for (index, volume) in pod.spec.list("volumes").enumerate() {
            let spec = Path::ROOT.key(&pod.path);
            let list = spec.key("volumes");
            source(volume, &list.index(index), context, sink);
        }
    }
}

fn check_persistent(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    if let Some(spec) = object.spec().filter(|_| object.kind == "PersistentVolume") {
        source(spec, &Path::ROOT.key("spec"), context, sink);
    }
}

fn source(volume: Value<'_>, path: &Path<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    for (key, value) in volume.entries().filter(|(_, value)| !value.is_null()) {
        let name = key.as_str().unwrap_or("");
        if name == "gitRepo" {
            let repository = path.key(name);
            sink.report(&GIT_REPO, value, format!("`{repository}` has the kubelet clone a repository on the node"))
                .field(repository.to_string());
            continue;
        }
        let Some((_, fate)) = PLUGINS.iter().find(|(plugin, _)| *plugin == name) else { continue };
        let field = path.key(name).to_string();
        match fate {
            Fate::Gone(since) if *since <= context.config.kubernetes_minor => {
                let message = format!("`{field}` asks for the volume plugin {name}, which Kubernetes no longer has");
                sink.report(&PLUGIN, key, message).field(field);
            }
            Fate::Gone(_) => {}
            Fate::Moved(driver) => {
                let message = format!("`{field}` works only where the CSI driver {driver} is installed");
                sink.report(&PLUGIN, key, message).field(field).severity(Severity::Info);
            }
            Fate::Deprecated => {
                let message = format!("`{field}` asks for the deprecated volume plugin {name}");
                sink.report(&PLUGIN, key, message).field(field);
            }
        }
    }
}

/// What became of a plugin.
enum Fate {
    /// Gone with a minor release.
    Gone(u32),
    /// Handed to a CSI driver.
    Moved(&'static str),
    /// On its way out.
    Deprecated,
}

const PLUGINS: &[(&str, Fate)] = &[
    ("awsElasticBlockStore", Fate::Moved("ebs.csi.aws.com")),
    ("azureDisk", Fate::Moved("disk.csi.azure.com")),
    ("azureFile", Fate::Moved("file.csi.azure.com")),
    ("cephfs", Fate::Gone(31)),
    ("cinder", Fate::Moved("cinder.csi.openstack.org")),
    ("flexVolume", Fate::Deprecated),
    ("flocker", Fate::Gone(25)),
    ("gcePersistentDisk", Fate::Moved("pd.csi.storage.gke.io")),
    ("glusterfs", Fate::Gone(26)),
    ("photonPersistentDisk", Fate::Gone(26)),
    ("portworxVolume", Fate::Moved("pxd.portworx.com")),
    ("quobyte", Fate::Gone(25)),
    ("rbd", Fate::Gone(31)),
    ("scaleIO", Fate::Gone(22)),
    ("storageos", Fate::Gone(25)),
    ("vsphereVolume", Fate::Moved("csi.vsphere.vmware.com")),
];
