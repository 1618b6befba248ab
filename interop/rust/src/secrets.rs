//! What peers of one run share: certificates, the key of a private network, and keys of each type.

use std::path::PathBuf;

use libp2p::{identity::Keypair, pnet::PreSharedKey, websocket::tls};

use crate::{Failure, choice::Choice};

fn file(choice: &Choice, name: &str) -> Result<PathBuf, Failure> {
    Ok(choice.secrets.as_ref().ok_or(format!("{name} is wanted, and --secrets was not given"))?.join(name))
}

fn read(choice: &Choice, name: &str) -> Result<Vec<u8>, Failure> {
    let path = file(choice, name)?;
    std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Serves with the certificate of the folder, and trusts its authority.
pub fn certificates(choice: &Choice) -> Result<tls::Config, Failure> {
    let mut builder = tls::Config::builder();
    builder.server(tls::PrivateKey::new(read(choice, "key.der")?), [tls::Certificate::new(read(choice, "chain.der")?)])?;
    builder.add_trust(&tls::Certificate::new(read(choice, "ca.der")?))?;
    Ok(builder.finish())
}

pub fn private_network(choice: &Choice) -> Result<PreSharedKey, Failure> {
    Ok(std::fs::read_to_string(file(choice, "swarm.key")?)?.parse()?)
}

/// Who we are, by a key of the type that was asked for.
pub fn identity(choice: &Choice) -> Result<Keypair, Failure> {
    match choice.key.as_str() {
        "ed25519" => Ok(Keypair::generate_ed25519()),
        "secp256k1" => Ok(Keypair::generate_secp256k1()),
        "ecdsa" => Ok(Keypair::generate_ecdsa()),
        "rsa" => Ok(Keypair::rsa_from_pkcs8(&mut read(choice, "rsa.der")?)?),
        other => Err(format!("no key {other}").into()),
    }
}
