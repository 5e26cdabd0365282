//! Checks on other objects.

use super::{Form, Group};
use crate::checks::network::service::{EXTERNAL_IPS, NO_SELECTOR, NODE_PORT};

/// One group per kind.
pub(super) static GROUPS: &[Group] = &[Group {
    name: "service-exposure",
    about: "Services open nothing to the outside by the way",
    resources: &[("", &["services"])],
    variables: &[],
    forms: &[
        Form { rule: &EXTERNAL_IPS, expression: "size(object.spec.?externalIPs.orValue([])) == 0" },
        Form { rule: &NODE_PORT, expression: "object.spec.?type.orValue('ClusterIP') != 'NodePort'" },
        Form {
            rule: &NO_SELECTOR,
            expression: "object.spec.?type.orValue('') == 'ExternalName' ||
                size(object.spec.?selector.orValue({})) > 0",
        },
    ],
}];
