//! Clouds, hosting, content delivery, names.

use model::Severity;

use super::super::judge;
use super::{Format, Shape, format, near, token};

pub(super) static FORMATS: &[Format] = &[
    format(
        "aws-access-key-id",
        "AWS access key",
        Severity::Critical,
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        Shape::Token(r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"),
    )
    .bits(3.0),
    format(
        "aws-secret-access-key",
        "AWS secret access key",
        Severity::Critical,
        &["aws_secret", "secret_access_key", "secretaccesskey", "aws_sec", "secret_key"],
        Shape::Near(r"[A-Za-z0-9/+]{40}"),
    )
    .bits(4.0)
    .if_so(judge::mixed),
    near("aws-session-token", "AWS session token", &["aws_session_token", "sessiontoken"], r"[A-Za-z0-9/+=]{100,1000}")
        .bits(4.5),
    token(
        "aws-bedrock-api-key",
        "Amazon Bedrock API key",
        &["ABSK", "bedrock-api-key-"],
        r"(?:ABSK[A-Za-z0-9+/]{109,269}={0,2}|bedrock-api-key-[A-Za-z0-9+/=]{60,})",
    ),
    near(
        "aws-mws-key",
        "Amazon Marketplace key",
        &["amzn.mws"],
        r"amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token("google-api-key", "Google API key", &["AIza"], r"AIza[A-Za-z0-9_\-]{35}").bits(3.5),
    token("google-oauth-secret", "Google OAuth client secret", &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_\-]{28}"),
    token("google-oauth-access-token", "Google OAuth access token", &["ya29."], r"ya29\.[A-Za-z0-9_\-]{30,500}"),
    token("google-oauth-refresh-token", "Google OAuth refresh token", &["1//0"], r"1//0[A-Za-z0-9_\-]{40,120}"),
    format(
        "google-service-account",
        "Key of a Google service account",
        Severity::Critical,
        &["\"private_key_id\""],
        Shape::Whole(r#""private_key_id"\s*:\s*"([0-9a-f]{40})""#),
    )
    .bits(3.0),
    near(
        "firebase-cloud-messaging-key",
        "Firebase Cloud Messaging server key",
        &["AAAA"],
        r"AAAA[A-Za-z0-9_\-]{7}:[A-Za-z0-9_\-]{140}",
    ),
    format(
        "azure-storage-key",
        "Azure storage account key",
        Severity::Critical,
        &["AccountKey=", "storage_key", "storage_account_key", "storageaccountkey"],
        Shape::Whole(r#"(?i:AccountKey=|storage_?(?:account_?)?key["']?\s*[:=]\s*["']?)([A-Za-z0-9+/]{86}==)"#),
    )
    .bits(4.0),
    format(
        "azure-client-secret",
        "Azure application secret",
        Severity::Critical,
        &["8Q~", "7Q~"],
        Shape::Token(r"[A-Za-z0-9_~.]{3}[78]Q~[A-Za-z0-9_~.\-]{31,34}"),
    )
    .bits(3.5),
    format(
        "azure-sas-token",
        "Azure shared access signature",
        Severity::High,
        &["sig="],
        Shape::Whole(r"[?&]s[vigept]{1,2}=[^\s]{4,300}?&sig=([A-Za-z0-9%+/]{40,100}(?:%3D|=))"),
    )
    .bits(3.5),
    near(
        "azure-shared-access-key",
        "Azure Service Bus, Event Hub or IoT key",
        &["SharedAccessKey"],
        r"[A-Za-z0-9+/]{43}=",
    ),
    near(
        "azure-cosmos-key",
        "Azure Cosmos DB key",
        &["documents.azure", "cosmosdb", "cosmos_key"],
        r"[A-Za-z0-9+/]{86}==",
    ),
    near(
        "azure-devops-token",
        "Azure DevOps token",
        &["azure_devops", "azuredevops", "azdo", "dev.azure", "vsts"],
        r"(?:[a-z2-7]{52}|[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})",
    ),
    token("azure-devops-token-long", "Azure DevOps token", &["AZDO"], r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    token(
        "azure-container-registry-password",
        "Azure container registry password",
        &["+ACR"],
        r"[A-Za-z0-9/+]{42}\+ACR[A-Za-z0-9]{6}",
    ),
    token("azure-function-key", "Azure Functions key", &["AzFu"], r"[A-Za-z0-9_\-]{44}AzFu[A-Za-z0-9_\-=]{5}[AQgw]=="),
    token("azure-search-key", "Azure search key", &["AzSe"], r"[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}"),
    near(
        "alibaba-access-key-secret",
        "Alibaba Cloud access key secret",
        &["alibaba", "aliyun", "alicloud"],
        r"[A-Za-z0-9]{30}",
    )
    .bits(3.8),
    token("alibaba-access-key-id", "Alibaba Cloud access key", &["LTAI"], r"LTAI[A-Za-z0-9]{12,20}"),
    token("tencent-secret-id", "Tencent Cloud secret id", &["AKID"], r"AKID[A-Za-z0-9]{32}"),
    near("huawei-secret-key", "Huawei Cloud secret key", &["huaweicloud", "hw_secret"], r"[A-Za-z0-9]{40}"),
    near("ibm-cloud-api-key", "IBM Cloud key", &["ibmcloud", "ibm_cloud", "bluemix"], r"[A-Za-z0-9_\-]{44}").bits(4.0),
    near("ibm-cos-hmac", "IBM Cloud object storage secret", &["cos_hmac", "ibm_cos"], r"[0-9a-f]{48}"),
    near("oracle-cloud-key-fingerprint", "Oracle Cloud key", &["oci_api_key", "oci_private"], r"[A-Za-z0-9+/=]{40,}")
        .bits(4.0),
    token("yandex-api-key", "Yandex Cloud API key", &["AQVN"], r"AQVN[A-Za-z0-9_\-]{35,38}"),
    token(
        "yandex-iam-token",
        "Yandex Cloud IAM token",
        &["t1."],
        r"t1\.[A-Z0-9a-z_\-]+={0,2}\.[A-Z0-9a-z_\-]{86}={0,2}",
    ),
    token("yandex-access-key", "Yandex Cloud static key", &["YC"], r"YC[A-Za-z0-9_\-]{38}")
        .bits(4.2)
        .if_so(judge::mixed),
    token("digitalocean-token", "DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], r"do[opr]_v1_[0-9a-f]{64}"),
    near(
        "digitalocean-spaces-secret",
        "DigitalOcean Spaces secret",
        &["spaces_secret", "do_spaces"],
        r"[A-Za-z0-9/+]{43}",
    ),
    token("linode-token", "Linode token", &["linode"], r"[0-9a-f]{64}").bits(3.3),
    near("hetzner-token", "Hetzner Cloud token", &["hcloud", "hetzner"], r"[A-Za-z0-9]{64}"),
    near("vultr-api-key", "Vultr key", &["vultr"], r"[A-Z0-9]{36}"),
    token("scaleway-access-key", "Scaleway access key", &["SCW"], r"SCW[A-Z0-9]{17}"),
    near(
        "scaleway-secret-key",
        "Scaleway secret key",
        &["scw_secret", "scaleway"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    near("ovh-application-secret", "OVH application secret", &["ovh_"], r"[A-Za-z0-9]{32}"),
    near("exoscale-secret", "Exoscale secret", &["exoscale"], r"[A-Za-z0-9_\-]{43}"),
    token("exoscale-key", "Exoscale key", &["EXO"], r"EXO[0-9a-f]{24}"),
    near("cloudflare-api-token", "Cloudflare token", &["cloudflare", "cf_api"], r"[A-Za-z0-9_\-]{40}").bits(3.8),
    near("cloudflare-global-key", "Cloudflare global key", &["cloudflare", "cf_api"], r"[0-9a-f]{37}"),
    token("cloudflare-origin-ca-key", "Cloudflare origin CA key", &["v1.0-"], r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    near("fastly-api-token", "Fastly token", &["fastly"], r"[A-Za-z0-9_\-]{32}").bits(3.8),
    token("akamai-client-token", "Akamai client secret", &["akab-"], r"akab-[a-z0-9]{16}-[a-z0-9]{16}"),
    token("heroku-api-key", "Heroku key", &["HRKU-"], r"HRKU-[A-Za-z0-9_\-]{36,60}"),
    near(
        "heroku-api-key-uuid",
        "Heroku key",
        &["heroku"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "flyio-token",
        "Fly.io token",
        &["FlyV1", "fm1r_", "fm2_"],
        r"(?:fm1[ar]_|fm2_|fo1_)[A-Za-z0-9+/_\-]{40,1000}={0,3}",
    ),
    token("render-api-key", "Render key", &["rnd_"], r"rnd_[A-Za-z0-9]{32}"),
    token("netlify-token", "Netlify token", &["nfp_", "nfc_", "nfo_", "nfu_"], r"nf[pcou]_[A-Za-z0-9]{36}"),
    near("netlify-token-old", "Netlify token", &["netlify"], r"[A-Za-z0-9_\-]{43,45}").bits(4.0),
    token("vercel-token", "Vercel token", &["vcp_", "vck_", "vca_", "vci_", "vcr_"], r"vc[pkair]_[A-Za-z0-9]{40,70}"),
    near("vercel-token-old", "Vercel token", &["vercel"], r"[A-Za-z0-9]{24}"),
    near(
        "railway-token",
        "Railway token",
        &["railway"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "supabase-token",
        "Supabase token",
        &["sbp_", "sb_secret_"],
        r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_\-]{31})",
    ),
    near("godaddy-secret", "GoDaddy secret", &["godaddy"], r"[A-Za-z0-9]{22}"),
    near("namecheap-key", "Namecheap key", &["namecheap"], r"[0-9a-f]{32}"),
    near("dnsimple-token", "DNSimple token", &["dnsimple"], r"(?:dnsimple_[au]_)?[A-Za-z0-9]{32}"),
    near("gandi-key", "Gandi key", &["gandi"], r"[A-Za-z0-9]{24}"),
    token("pulumi-token", "Pulumi token", &["pul-"], r"pul-[0-9a-f]{40}"),
    token(
        "terraform-cloud-token",
        "Terraform Cloud token",
        &["atlasv1."],
        r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}",
    ),
    token("vault-token", "Vault token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_\-]{24,300}"),
    near("vault-token-old", "Vault token", &["vault_token", "x-vault-token"], r"s\.[A-Za-z0-9]{24}"),
    near(
        "consul-token",
        "Consul token",
        &["consul_http_token", "consul_token", "x-consul-token"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    near(
        "nomad-token",
        "Nomad token",
        &["nomad_token"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "doppler-token",
        "Doppler token",
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}",
    ),
    token(
        "onepassword-service-account",
        "1Password service account token",
        &["ops_eyJ"],
        r"ops_eyJ[A-Za-z0-9_\-+/]{250,900}={0,3}",
    ),
    token(
        "onepassword-secret-key",
        "1Password secret key",
        &["A3-"],
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}",
    ),
    token("infisical-token", "Infisical service token", &["st."], r"st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}"),
    token("teleport-join-token", "Teleport bot identity", &["tbot+"], r"tbot\+proxy\+[A-Za-z0-9+/=]{40,}"),
    token(
        "tailscale-key",
        "Tailscale key",
        &["tskey-"],
        r"tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{9,24}-[A-Za-z0-9]{20,48}",
    ),
    near(
        "wireguard-private-key",
        "WireGuard private key",
        &["PrivateKey", "PresharedKey"],
        r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=",
    )
    .bits(4.2),
    near("zerotier-token", "ZeroTier token", &["zerotier"], r"[A-Za-z0-9]{32}"),
    token("ngrok-token", "ngrok token", &["ngrok"], r"[12][A-Za-z0-9]{26}_[A-Za-z0-9]{20,22}").bits(4.0),
    token("openshift-token", "OpenShift user token", &["sha256~"], r"sha256~[A-Za-z0-9_\-]{43}"),
    token("rancher-token", "Rancher token", &["token-"], r"token-[a-z0-9]{5}:[a-z0-9]{54}"),
];
