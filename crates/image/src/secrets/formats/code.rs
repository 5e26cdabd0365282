//! Code hosting, package registries, builds.

use model::Severity;

use super::super::judge;
use super::{Format, Shape, format, near, token};

pub(super) static FORMATS: &[Format] = &[
    format(
        "github-token",
        "GitHub personal access token",
        Severity::Critical,
        &["ghp_"],
        Shape::Token(r"ghp_[A-Za-z0-9]{36}"),
    )
    .bits(3.0),
    format(
        "github-fine-grained-token",
        "GitHub fine-grained token",
        Severity::Critical,
        &["github_pat_"],
        Shape::Token(r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    )
    .bits(3.0),
    token("github-oauth-token", "GitHub OAuth token", &["gho_"], r"gho_[A-Za-z0-9]{36}"),
    token("github-app-token", "GitHub App token", &["ghu_", "ghs_"], r"gh[us]_[A-Za-z0-9]{36}"),
    token("github-refresh-token", "GitHub refresh token", &["ghr_"], r"ghr_[A-Za-z0-9]{36,76}"),
    token(
        "gitlab-token",
        "GitLab personal access token",
        &["glpat-"],
        r"glpat-(?:[A-Za-z0-9_\-]{20}|[A-Za-z0-9_\-]{27,300}\.[0-9a-z]{2}[0-9a-z]{7})",
    ),
    token("gitlab-pipeline-trigger-token", "GitLab pipeline trigger token", &["glptt-"], r"glptt-[0-9a-f]{40}"),
    token(
        "gitlab-runner-token",
        "GitLab runner token",
        &["glrt-", "GR1348941"],
        r"(?:glrt-(?:t\d_)?[A-Za-z0-9_\-]{20,27}|GR1348941[A-Za-z0-9_\-]{20})",
    ),
    token("gitlab-deploy-token", "GitLab deploy token", &["gldt-"], r"gldt-[A-Za-z0-9_\-]{20}"),
    token("gitlab-job-token", "GitLab job token", &["glcbt-"], r"glcbt-[0-9a-zA-Z]{1,5}_[A-Za-z0-9_\-]{20}"),
    token("gitlab-agent-token", "GitLab agent token", &["glagent-"], r"glagent-[A-Za-z0-9_\-]{50}"),
    token("gitlab-oauth-secret", "GitLab OAuth secret", &["gloas-"], r"gloas-[A-Za-z0-9_\-]{64}"),
    token(
        "gitlab-feed-token",
        "GitLab feed, mail or SCIM token",
        &["glft-", "glimt-", "glsoat-", "glffct-"],
        r"gl(?:ft|imt|soat|ffct)-[A-Za-z0-9_\-]{20,26}",
    ),
    near("bitbucket-client-secret", "Bitbucket client secret", &["bitbucket"], r"[A-Za-z0-9_=\-]{32,64}").bits(3.8),
    token("bitbucket-app-password", "Bitbucket app password", &["ATBB"], r"ATBB[A-Za-z0-9]{32}"),
    token("bitbucket-access-token", "Bitbucket access token", &["ATCTT3xFfG"], r"ATCTT3xFfG[A-Za-z0-9+/=_\-]{160,260}"),
    token("atlassian-api-token", "Atlassian API token", &["ATATT3xFfG"], r"ATATT3xFfG[A-Za-z0-9+/=_\-]{160,260}"),
    near("atlassian-api-token-old", "Atlassian API token", &["atlassian", "jira", "confluence"], r"[A-Za-z0-9]{24}")
        .bits(3.5),
    near("gitea-token", "Gitea or Forgejo token", &["gitea", "forgejo"], r"[0-9a-f]{40}"),
    near("sourcegraph-token-old", "Sourcegraph token", &["sourcegraph"], r"[0-9a-f]{40}"),
    token(
        "sourcegraph-token",
        "Sourcegraph token",
        &["sgp_", "sgd_", "slk_"],
        r"(?:sgp_(?:[0-9a-f]{16}_|local_)?|sgd_|slk_)[0-9a-f]{40,64}",
    ),
    token("npm-token", "npm token", &["npm_"], r"npm_[A-Za-z0-9]{36}"),
    format(
        "npmrc-auth-token",
        "Token in an npmrc file",
        Severity::High,
        &["_authToken", "_auth", "_password"],
        Shape::Whole(
            r#"(?::_authToken|^_authToken|:_password|^_auth|:_auth)\s*=\s*["']?([A-Za-z0-9_+/=\-.]{16,200})["']?\s*$"#,
        ),
    )
    .bits(3.0),
    token("pypi-token", "PyPI token", &["pypi-"], r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_\-]{50,1000}"),
    token("test-pypi-token", "TestPyPI token", &["pypi-"], r"pypi-AgENdGVzdC5weXBpLm9yZw[A-Za-z0-9_\-]{50,1000}"),
    token("rubygems-token", "RubyGems token", &["rubygems_"], r"rubygems_[0-9a-f]{48}"),
    token("crates-io-token", "crates.io token", &["cio"], r"cio[A-Za-z0-9]{32}").bits(4.0).if_so(judge::mixed),
    token("nuget-api-key", "NuGet key", &["oy2"], r"oy2[a-z0-9]{43}").bits(3.5),
    token("docker-hub-token", "Docker Hub token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_\-]{27,32}"),
    token("clojars-token", "Clojars token", &["CLOJARS_"], r"CLOJARS_[0-9a-f]{60}"),
    near("packagist-token", "Packagist token", &["packagist"], r"(?:packagist_[ou]{1,2}t_)?[0-9a-f]{64,68}"),
    token("jfrog-token", "JFrog access token", &["cmVmdGtu"], r"cmVmdGtuO[A-Za-z0-9+/=]{50,70}"),
    token("jfrog-api-key", "JFrog API key", &["AKCp"], r"AKCp[A-Za-z0-9]{60,72}"),
    near("artifactory-password", "Artifactory key", &["artifactory", "jfrog"], r"AP[\dABCDEF][A-Za-z0-9]{8,}")
        .bits(3.5),
    near("nexus-token", "Sonatype token", &["sonatype", "nexus_token"], r"[A-Za-z0-9+/=]{40,60}").bits(4.0),
    token("sonarqube-token", "SonarQube token", &["squ_", "sqp_", "sqa_"], r"sq[upa]_[0-9a-f]{40}"),
    near("sonar-token-old", "SonarCloud token", &["sonar"], r"[0-9a-f]{40}"),
    near("circleci-token", "CircleCI token", &["circle"], r"[0-9a-f]{40}"),
    token(
        "circleci-token-new",
        "CircleCI token",
        &["CCIPAT_", "CCIPRJ_"],
        r"CCIP(?:AT|RJ)_[A-Za-z0-9]{22}_[0-9a-f]{40}",
    ),
    near("travis-token", "Travis CI token", &["travis"], r"[A-Za-z0-9_\-]{22}").bits(3.5),
    near("drone-token", "Drone token", &["drone"], r"[A-Za-z0-9]{32}"),
    token("buildkite-token", "Buildkite token", &["bkua_", "bkaj_"], r"bk(?:ua|aj)_[0-9a-f]{40}"),
    near("buildkite-agent-token", "Buildkite agent token", &["buildkite_agent_token"], r"[0-9a-f]{50}"),
    near(
        "codecov-token",
        "Codecov token",
        &["codecov"],
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    near("coveralls-token", "Coveralls token", &["coveralls"], r"[A-Za-z0-9]{32,37}"),
    near("snyk-token", "Snyk token", &["snyk"], r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    token("octopus-api-key", "Octopus Deploy key", &["API-"], r"API-[A-Z0-9]{26,32}"),
    token(
        "harness-token",
        "Harness token",
        &["pat.", "sat."],
        r"[ps]at\.[A-Za-z0-9_\-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}",
    ),
    token("prefect-key", "Prefect key", &["pnu_"], r"pnu_[A-Za-z0-9]{36}"),
    near("jenkins-token", "Jenkins token", &["jenkins"], r"11[0-9a-f]{32}"),
    near(
        "launchdarkly-key",
        "LaunchDarkly key",
        &["launchdarkly", "ld_sdk"],
        r"(?:sdk|mob|api)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token("postman-key", "Postman key", &["PMAK-", "PMAT-"], r"(?:PMAK-[0-9a-f]{24}-[0-9a-f]{34}|PMAT-[0-9A-Z]{26})"),
    token("readme-key", "ReadMe key", &["rdme_"], r"rdme_[a-z0-9]{70}"),
    token("scalingo-token", "Scalingo token", &["tk-us-"], r"tk-us-[A-Za-z0-9_\-]{48}"),
    token("typeform-token", "Typeform token", &["tfp_"], r"tfp_[A-Za-z0-9_\-.=]{40,60}"),
    token("linear-key", "Linear key", &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    token(
        "notion-token",
        "Notion token",
        &["secret_", "ntn_"],
        r"(?:ntn_[0-9]{11}[A-Za-z0-9]{32,35}|secret_[A-Za-z0-9]{43})",
    ),
    near("asana-token", "Asana token", &["asana"], r"(?:[12]/\d{16}:[0-9a-f]{32}|[0-9a-z]{32})"),
    near("trello-token", "Trello token", &["trello"], r"(?:ATTA[0-9a-f]{72}|[0-9a-f]{32})"),
    token("figma-token", "Figma token", &["figd_", "figo_"], r"fig[do]_[A-Za-z0-9_\-]{40}"),
];
