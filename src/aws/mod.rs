//! The one place that builds AWS clients and turns their errors into ours.
//!
//! Where settings are silent, the environment variables and profile files decide that every AWS
//! tool reads; `aws-config` reads them.

mod call;
mod failure;
mod pages;
mod status;
mod whole;

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{FETCH_BACKOFF, FETCH_BACKOFF_MAX};
pub(crate) use call::Call;
pub(crate) use failure::{Asked, Failure, causes};
pub(crate) use pages::Pages;
pub(crate) use status::Status;
pub(crate) use whole::WholePage;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the first byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for the instance metadata service, which answers at once where there is one.
const METADATA_TIMEOUT: Duration = Duration::from_millis(500);
/// Attempts at one request, the first included. Bodies are retried by whoever reads them.
const ATTEMPTS: u32 = 4;
/// The region of an endpoint that is not AWS's and does not care.
const REGION_OF_ENDPOINTS: &str = "us-east-1";

/// What the user decides about the connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Name of a profile (`--profile`); else `AWS_PROFILE` or `default`.
    pub profile: Option<String>,
    /// Region (`--region`); else that of the environment, the profile or the instance.
    pub region: Option<String>,
    /// Address of the service (`--endpoint-url`); else that of the environment or the profile, or
    /// AWS itself.
    pub endpoint_url: Option<String>,
    /// Puts the bucket's name into the path instead of the host name. Where an endpoint URL is
    /// given, this is always done.
    pub path_style: bool,
}

/// A connection to AWS, or to what stands in for it: makes clients.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    endpoint: Option<String>,
    path_style: bool,
}

impl Aws {
    /// Resolves settings. Credentials are only looked for when the first request is made.
    ///
    /// # Errors
    /// When the profile does not exist, or no region can be found.
    pub async fn load(settings: &Settings) -> Result<Self> {
        check_profile(settings).await?;
        let metadata = metadata_client();
        let region = configured_region(settings);
        let mut credentials =
            DefaultCredentialsChain::builder().imds_client(metadata.clone()).region(region);
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(configured_region(settings))
            .timeout_config(timeouts());
        if let Some(profile) = &settings.profile {
            credentials = credentials.profile_name(profile);
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.credentials_provider(credentials.build().await).load().await;
        let endpoint = settings.endpoint_url.clone().or_else(|| endpoint_of(&config));
        let config = with_region(config, endpoint.is_some(), metadata).await?;
        let path_style = settings.path_style || endpoint.is_some();
        Ok(Self { config, endpoint, path_style })
    }

    /// A connection to an endpoint with a fixed key, for endpoints of one's own.
    pub fn with_key(endpoint_url: &str, access_key: &str, secret_key: &str) -> Self {
        let key = Credentials::new(access_key, secret_key, None, None, "fixed");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION_OF_ENDPOINTS))
            .endpoint_url(endpoint_url)
            .credentials_provider(SharedCredentialsProvider::new(key))
            .timeout_config(timeouts());
        Self::from_config(config.build())
    }

    /// A connection over a configuration made elsewhere.
    pub fn from_config(config: SdkConfig) -> Self {
        let endpoint = endpoint_of(&config);
        let path_style = endpoint.is_some();
        Self { config, endpoint, path_style }
    }

    /// A client of S3.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            .force_path_style(self.path_style)
            .retry_config(retries())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// A client of Kinesis Data Streams. It retries nothing: whoever puts a record has to know how
    /// often, and whoever reads a shard has a budget of calls.
    pub fn kinesis(&self) -> aws_sdk_kinesis::Client {
        let config = aws_sdk_kinesis::config::Builder::from(&self.config)
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_kinesis::Client::from_conf(config)
    }

    /// A client of Firehose that retries nothing, for the same reason.
    pub fn firehose(&self) -> aws_sdk_firehose::Client {
        let config = aws_sdk_firehose::config::Builder::from(&self.config)
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_firehose::Client::from_conf(config)
    }

    /// A client of Lambda that retries nothing: a function that is invoked twice puts twice.
    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        let config = aws_sdk_lambda::config::Builder::from(&self.config)
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_lambda::Client::from_conf(config)
    }

    /// A client of CloudFormation.
    pub fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        let config = aws_sdk_cloudformation::config::Builder::from(&self.config)
            .retry_config(retries())
            .build();
        aws_sdk_cloudformation::Client::from_conf(config)
    }

    /// A client of the Security Token Service, which knows whose the credentials are.
    pub fn sts(&self) -> aws_sdk_sts::Client {
        let config =
            aws_sdk_sts::config::Builder::from(&self.config).retry_config(retries()).build();
        aws_sdk_sts::Client::from_conf(config)
    }

    /// A client of CloudWatch.
    pub fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        let config =
            aws_sdk_cloudwatch::config::Builder::from(&self.config).retry_config(retries()).build();
        aws_sdk_cloudwatch::Client::from_conf(config)
    }

    /// The address of the service, where it is not AWS itself.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The region.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", Region::as_ref)
    }
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FETCH_BACKOFF)
        .with_max_backoff(FETCH_BACKOFF_MAX)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build()
}

fn metadata_client() -> imds::Client {
    imds::Client::builder()
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .max_attempts(1)
        .build()
}

/// The region as far as it can be known without asking anybody.
fn configured_region(settings: &Settings) -> RegionProviderChain {
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    RegionProviderChain::first_try(settings.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
}

async fn with_region(config: SdkConfig, custom: bool, metadata: imds::Client) -> Result<SdkConfig> {
    if config.region().is_some() {
        return Ok(config);
    }
    let region = if custom {
        Some(Region::new(REGION_OF_ENDPOINTS))
    } else {
        ImdsRegionProvider::builder().imds_client(metadata).build().region().await
    };
    let Some(region) = region else {
        return Err(Error::new(ErrorKind::Usage, "no AWS region is configured")
            .hint("name the bucket's with --region or AWS_REGION, or in the profile"));
    };
    Ok(config.into_builder().region(region).build())
}

/// The address that the environment or the profile gives to S3, or to every service.
fn endpoint_of(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("s3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_s3 = || config.service_config()?.load_config(key.ok()?);
    of_s3().or_else(|| config.endpoint_url().map(str::to_owned))
}

/// A misspelt profile would otherwise show as a missing region, or as missing credentials.
async fn check_profile(settings: &Settings) -> Result<()> {
    let wanted = settings.profile.clone().map(Into::into);
    let profiles =
        aws_config::profile::load(&Fs::real(), &Env::real(), &Default::default(), wanted)
            .await
            .map_err(|error| {
                Error::new(
                    ErrorKind::Usage,
                    format!("the AWS profile files cannot be read: {error}"),
                )
                .caused_by(error)
                .hint("look at ~/.aws/config and ~/.aws/credentials")
            })?;
    let name = profiles.selected_profile();
    if name == "default" || profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let message = format!("there is no AWS profile named {name}");
    Err(Error::new(ErrorKind::Credentials, message)
        .hint("`aws configure list-profiles` shows those there are"))
}
