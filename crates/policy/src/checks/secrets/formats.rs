//! Formats of credentials: how each is recognised. One row per format; add rows at will.
//!
//! Every row has an anchor, a fixed text that all anchors are searched for in one pass, and a shape that
//! the text around the anchor must have. Shapes look at each byte a constant number of times.

use std::ops::Range;

use super::shape::{self, Set};

/// How a kind of credential looks.
#[derive(Debug)]
pub(crate) struct Format {
    /// What a message calls it, with its article.
    pub(crate) name: &'static str,
    /// Text that it cannot be without.
    pub(crate) anchor: &'static str,
    /// What must stand around the anchor.
    pub(crate) shape: Shape,
}

/// What must stand around an anchor.
#[derive(Debug)]
pub(crate) enum Shape {
    /// After the anchor, a run of characters with a length in the range; no letter or digit before the anchor.
    Run(Set, usize, usize),
    /// A function that looks at the text and the place of the anchor.
    Custom(fn(&[u8], Range<usize>) -> Option<Range<usize>>),
}

use Set::{Alphanumeric as An, Base64 as B64, Hex, Upper, Word};
use Shape::{Custom, Run};

macro_rules! formats {
    ($($name:literal, $anchor:literal, $shape:expr;)*) => {
        &[$(Format { name: $name, anchor: $anchor, shape: $shape }),*]
    };
}

/// All formats.
pub(crate) static FORMATS: &[Format] = formats! {
    // Clouds.
    "an AWS access key id", "AKIA", Run(Upper, 16, 16);
    "a temporary AWS access key id", "ASIA", Run(Upper, 16, 16);
    "an AWS Bedrock API key", "ABSK", Run(B64, 109, 269);
    "a Google API key", "AIza", Run(Word, 35, 35);
    "a Google OAuth client secret", "GOCSPX-", Run(Word, 28, 28);
    "a Google OAuth access token", "ya29.", Run(Word, 40, 600);
    "an Azure storage account key", "AccountKey=", Run(B64, 80, 90);
    "an Azure shared access key", "SharedAccessKey=", Run(B64, 40, 90);
    "an Azure client secret", "8Q~", Custom(shape::azure_client_secret);
    "a DigitalOcean access token", "dop_v1_", Run(Hex, 64, 64);
    "a DigitalOcean OAuth token", "doo_v1_", Run(Hex, 64, 64);
    "a DigitalOcean refresh token", "dor_v1_", Run(Hex, 64, 64);
    "a Heroku API key", "HRKU-", Run(Word, 36, 70);
    "an Alibaba Cloud access key id", "LTAI", Run(An, 12, 24);
    "a Tencent Cloud secret id", "AKID", Run(An, 32, 32);
    "a Scaleway access key", "SCW", Run(Upper, 17, 17);
    "a Fly.io token", "fo1_", Run(Word, 43, 43);
    "a Fly.io access token", "FlyV1 fm", Run(B64, 60, 2000);
    // Source hosting and packages.
    "a GitHub personal access token", "ghp_", Run(An, 36, 36);
    "a GitHub fine-grained access token", "github_pat_", Run(Word, 82, 82);
    "a GitHub OAuth token", "gho_", Run(An, 36, 36);
    "a GitHub app user token", "ghu_", Run(An, 36, 36);
    "a GitHub app server token", "ghs_", Run(An, 36, 36);
    "a GitHub refresh token", "ghr_", Run(An, 36, 76);
    "a GitLab personal access token", "glpat-", Run(Word, 20, 60);
    "a GitLab deploy token", "gldt-", Run(Word, 20, 60);
    "a GitLab runner token", "glrt-", Run(Word, 20, 60);
    "a GitLab pipeline trigger token", "glptt-", Run(Hex, 40, 40);
    "a GitLab agent token", "glagent-", Run(Word, 50, 60);
    "a GitLab feed token", "glft-", Run(Word, 20, 60);
    "a Bitbucket app password", "ATBB", Run(An, 28, 40);
    "an Atlassian API token", "ATATT3", Run(Word, 100, 260);
    "an npm access token", "npm_", Run(An, 36, 36);
    "a PyPI upload token", "pypi-AgEIcHlwaS5vcmc", Run(Word, 50, 300);
    "a RubyGems API key", "rubygems_", Run(Hex, 48, 48);
    "a crates.io API token", "cio", Run(An, 32, 32);
    "a NuGet API key", "oy2", Run(Set::LowerAlphanumeric, 43, 43);
    "a Docker Hub access token", "dckr_pat_", Run(Word, 27, 36);
    "a Docker Hub organisation token", "dckr_oat_", Run(Word, 32, 40);
    "a JFrog access token", "cmVmdGtu", Run(An, 56, 60);
    "an Artifactory API key", "AKCp", Run(An, 60, 80);
    // Messaging.
    "a Slack bot token", "xoxb-", Run(Word, 40, 120);
    "a Slack user token", "xoxp-", Run(Word, 40, 160);
    "a Slack app token", "xapp-", Run(Word, 40, 160);
    "a Slack workspace token", "xoxa-", Run(Word, 20, 160);
    "a Slack refresh token", "xoxe-", Run(Word, 20, 240);
    "a Slack session token", "xoxs-", Run(Word, 20, 160);
    "a Slack webhook address", "hooks.slack.com/services/T", Custom(shape::slack_webhook);
    "a Discord webhook address", "discord.com/api/webhooks/", Custom(shape::discord_webhook);
    "a Microsoft Teams webhook address", ".webhook.office.com/webhookb2/", Run(Set::UrlPath, 80, 300);
    "a Telegram bot token", ":AA", Custom(shape::telegram_bot);
    "a Twilio API key", "SK", Run(Hex, 32, 32);
    "a SendGrid API key", "SG.", Custom(shape::sendgrid);
    "a Mailgun API key", "key-", Run(Hex, 32, 32);
    "a Mailchimp API key", "-us", Custom(shape::mailchimp);
    "a Sendinblue API key", "xkeysib-", Run(Word, 81, 90);
    "a Postman API key", "PMAK-", Run(Word, 59, 59);
    // Payment and trade.
    "a Stripe secret key", "sk_live_", Run(An, 16, 247);
    "a Stripe restricted key", "rk_live_", Run(An, 16, 247);
    "a Stripe test key", "sk_test_", Run(An, 16, 247);
    "a Stripe webhook secret", "whsec_", Run(B64, 32, 64);
    "a Square access token", "EAAA", Run(Word, 60, 60);
    "a Square OAuth secret", "sq0csp-", Run(Word, 43, 43);
    "a Square application token", "sq0atp-", Run(Word, 22, 22);
    "a Shopify access token", "shpat_", Run(Hex, 32, 32);
    "a Shopify app secret", "shpss_", Run(Hex, 32, 32);
    "a Shopify custom app token", "shpca_", Run(Hex, 32, 32);
    "a Shopify private app token", "shppa_", Run(Hex, 32, 32);
    "a Braintree access token", "access_token$production$", Run(Set::Dollar, 40, 60);
    // Models.
    "an OpenAI API key", "T3BlbkFJ", Custom(shape::openai);
    "an OpenAI project key", "sk-proj-", Run(Word, 40, 200);
    "an OpenAI service account key", "sk-svcacct-", Run(Word, 40, 200);
    "an Anthropic API key", "sk-ant-", Run(Word, 80, 130);
    "an OpenRouter API key", "sk-or-v1-", Run(Hex, 64, 64);
    "a Hugging Face access token", "hf_", Run(Set::Letters, 34, 37);
    "a Replicate API token", "r8_", Run(An, 37, 37);
    "a Groq API key", "gsk_", Run(An, 52, 52);
    "an xAI API key", "xai-", Run(An, 80, 80);
    "a Perplexity API key", "pplx-", Run(An, 48, 56);
    // Operations.
    "a HashiCorp Vault token", "hvs.", Run(Word, 24, 200);
    "a HashiCorp Vault batch token", "hvb.", Run(Word, 100, 400);
    "a HashiCorp Vault recovery token", "hvr.", Run(Word, 24, 200);
    "a Terraform Cloud token", ".atlasv1.", Run(Word, 60, 70);
    "a Databricks access token", "dapi", Run(Hex, 32, 32);
    "a Linear API key", "lin_api_", Run(An, 40, 40);
    "a Linear OAuth secret", "lin_oauth_", Run(An, 40, 64);
    "a Notion integration token", "ntn_", Run(An, 40, 50);
    "a Grafana service account token", "glsa_", Run(Word, 41, 41);
    "a Grafana Cloud token", "glc_", Run(B64, 32, 400);
    "a New Relic API key", "NRAK-", Run(An, 27, 27);
    "a New Relic insert key", "NRII-", Run(Word, 32, 32);
    "a Sentry organisation token", "sntrys_", Run(B64, 100, 400);
    "a Sentry user token", "sntryu_", Run(Hex, 64, 64);
    "a Dynatrace token", "dt0c01.", Custom(shape::dynatrace);
    "a Pulumi access token", "pul-", Run(Hex, 40, 40);
    "a Doppler token", "dp.pt.", Run(An, 43, 43);
    "a Doppler service token", "dp.st.", Run(Word, 40, 80);
    "a PlanetScale password", "pscale_pw_", Run(Word, 32, 64);
    "a PlanetScale token", "pscale_tkn_", Run(Word, 32, 64);
    "a Tailscale key", "tskey-", Run(Word, 20, 80);
    "an Okta API token", "SSWS 00", Run(Word, 40, 40);
    "an age secret key", "AGE-SECRET-KEY-1", Run(Upper, 58, 58);
    "a 1Password service account token", "ops_eyJ", Run(B64, 200, 1500);
    "a Prefect API key", "pnu_", Run(An, 36, 36);
    "a SonarQube token", "sqp_", Run(Hex, 40, 40);
    "a SonarQube user token", "squ_", Run(Hex, 40, 40);
    "a Figma access token", "figd_", Run(Word, 40, 44);
    "an Airtable access token", "pat", Custom(shape::airtable);
    "a Contentful management token", "CFPAT-", Run(Word, 43, 43);
    "a Cloudflare origin CA key", "v1.0-", Custom(shape::cloudflare_origin);
    "a Duffel live token", "duffel_live_", Run(Word, 43, 43);
    "a Supabase access token", "sbp_", Run(Hex, 40, 40);
    // Things of every kind.
    "a private key", "PRIVATE KEY-----", Custom(shape::pem_private_key);
    "a PGP private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----", Custom(shape::pem_private_key);
    "a PuTTY private key", "PuTTY-User-Key-File-", Custom(shape::found);
    "a signed JSON web token", "eyJ", Custom(shape::jwt);
    "an address with a password", "://", Custom(shape::url_password);
    "a registry login", "\"auth\":", Custom(shape::docker_auth);
    "a client key of a kubeconfig", "client-key-data:", Custom(shape::kubeconfig_key);
};
