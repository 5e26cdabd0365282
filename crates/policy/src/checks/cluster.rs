//! Checks on command lines and configuration files of cluster components.
//!
//! Static pods, kubeadm's `extraArgs` and the components' own configuration files are read into one
//! shape, [`component::Component`]; a setting that is missing is judged by what the component takes
//! without it. An etcd configuration file has no kind and is not read; neither are the patches inside
//! a `kind` cluster configuration.

pub mod admission_config;
pub mod api_admission;
pub mod api_audit;
pub mod api_authentication;
pub mod api_authorization;
pub mod api_flags;
pub mod api_surface;
pub mod api_transport;
pub mod audit_policy;
pub mod audit_rules;
pub mod authentication;
pub mod authorization;
pub mod command_line;
pub mod component;
pub mod config_kinds;
pub mod controller_manager;
pub mod duration;
pub mod encryption;
pub mod encryption_keys;
pub mod encryption_validity;
pub mod etcd;
pub mod features;
pub mod kubeadm;
pub mod kubelet;
pub mod kubelet_node;
pub mod scheduler;
pub mod shared;

#[cfg(test)]
mod tests;

use crate::check::ObjectCheck;

/// Checks on single objects, by file.
pub(crate) const OBJECT_CHECKS: &[&[ObjectCheck]] = &[
    admission_config::OBJECT_CHECKS,
    api_admission::OBJECT_CHECKS,
    api_audit::OBJECT_CHECKS,
    api_authentication::OBJECT_CHECKS,
    api_authorization::OBJECT_CHECKS,
    api_surface::OBJECT_CHECKS,
    api_transport::OBJECT_CHECKS,
    audit_policy::OBJECT_CHECKS,
    authentication::OBJECT_CHECKS,
    authorization::OBJECT_CHECKS,
    config_kinds::OBJECT_CHECKS,
    controller_manager::OBJECT_CHECKS,
    encryption::OBJECT_CHECKS,
    etcd::OBJECT_CHECKS,
    kubeadm::OBJECT_CHECKS,
    kubelet::OBJECT_CHECKS,
    kubelet_node::OBJECT_CHECKS,
    scheduler::OBJECT_CHECKS,
    shared::OBJECT_CHECKS,
];
