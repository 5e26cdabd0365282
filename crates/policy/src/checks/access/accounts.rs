//! Checks on service accounts, and on Secrets that lie where everyone works.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use crate::check::Context;
use crate::sink::Sink;

/// The default account hands its token to every pod.
pub static DEFAULT_AUTOMOUNT: Rule = Rule {
    code: "service-account-default-automount",
    title: "The default service account mounts its token into pods",
    severity: Severity::Low,
    scope: Scope::ServiceAccount,
    serves: &[Serves::part("RA-14")],
    why: "Pods that name no service account run as `default` and get a token they never asked for.",
    fix: "Set automountServiceAccountToken to false on the service account `default` of every namespace.",
    example: "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: default\n  namespace: shop\nautomountServiceAccountToken: false\n",
};

/// The account asks for its token to be mounted.
pub static AUTOMOUNT: Rule = Rule {
    code: "service-account-automount",
    title: "A service account mounts its token into all its pods",
    severity: Severity::Info,
    scope: Scope::ServiceAccount,
    serves: &[Serves::part("RA-14")],
    why: "Every pod of the account gets the token, also those that never call the API.",
    fix: "Set automountServiceAccountToken to false on the account and to true on the pods that call the API.",
    example: "",
};

/// A long-lived token is listed with the account.
pub static TOKEN_SECRETS: Rule = Rule {
    code: "service-account-lists-secrets",
    title: "A service account lists Secrets of its own",
    severity: Severity::Low,
    scope: Scope::ServiceAccount,
    serves: &[Serves::part("RA-15")],
    why: "`secrets` of a service account is where tokens that never expire are listed. Since tokens are issued on \
          request, nothing needs the list.",
    fix: "Remove `secrets` and delete the token Secrets; let pods use the projected token.",
    example: "",
};

/// A Secret lies in the namespace `default`.
pub static SECRET_IN_DEFAULT: Rule = Rule {
    code: "secret-in-default-namespace",
    title: "A Secret lies in the namespace default",
    severity: Severity::Low,
    scope: Scope::Secret,
    serves: &[Serves::part("RA-28")],
    why: "Everything without a namespace lands in `default`, and any pod there can mount any Secret there.",
    fix: "Keep Secrets in the namespace of the one application that uses them.",
    example: "apiVersion: v1\nkind: Secret\nmetadata:\n  name: ledger-database\n  namespace: shop\n",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[&DEFAULT_AUTOMOUNT, &AUTOMOUNT, &TOKEN_SECRETS];

/// Judges one service account.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let automount = object.value.get("automountServiceAccountToken");
    let disabled = automount.and_then(|value| value.as_bool()) == Some(false);
    let at = automount.map_or(object.location(), |value| value.location());
    if object.name() == "default" && !disabled {
        let message = "`automountServiceAccountToken` of the service account `default` is not false";
        sink.report(&DEFAULT_AUTOMOUNT, at, message).field("automountServiceAccountToken");
    } else if automount.and_then(|value| value.as_bool()) == Some(true) {
        sink.report(&AUTOMOUNT, at, "`automountServiceAccountToken` is true for all pods of the account")
            .field("automountServiceAccountToken");
    }
    if let Some(secrets) = object.value.get("secrets").filter(|secrets| !secrets.is_empty()) {
        sink.report(&TOKEN_SECRETS, secrets, "`secrets` of the service account is not empty").field("secrets");
    }
}

/// Judges where one Secret lies. A manifest without a namespace may be applied to any.
pub(super) fn secret(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.namespace() == "default" {
        let at = object.metadata.and_then(|metadata| metadata.get("namespace"));
        let at = at.map_or(object.location(), |value| value.location());
        sink.report(&SECRET_IN_DEFAULT, at, "`metadata.namespace` of a Secret is `default`")
            .field("metadata.namespace");
    }
}
