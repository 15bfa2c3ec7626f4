//! CBOR (RFC 8949) as far as CloudWatch's answers go, and one text out of its requests.

use serde_json::Value;

/// The member that makes a time of an object: seconds since 1970.
pub(crate) const TIME: &str = "$time";

/// What JSON says, in CBOR; a number that is no integer as a double.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(0xf4 + u8::from(*value)),
        Value::Number(number) => match number.as_u64() {
            Some(integer) => head(0, integer, out),
            None => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap().to_be_bytes());
            }
        },
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| write(item, out));
        }
        Value::Object(members) => match members.get(TIME) {
            Some(seconds) => {
                head(6, 1, out);
                write(seconds, out);
            }
            None => {
                head(5, members.len() as u64, out);
                for (name, value) in members {
                    write(&Value::String(name.clone()), out);
                    write(value, out);
                }
            }
        },
    }
}

/// The kind of an item and its number, in eight bytes whatever it is.
fn head(major: u8, number: u64, out: &mut Vec<u8>) {
    out.push(major << 5 | 27);
    out.extend(number.to_be_bytes());
}

/// A text of a request by its name.
pub(crate) fn text_of<'a>(request: &'a [u8], name: &str) -> Option<&'a str> {
    let at = request.windows(name.len()).position(|part| part == name.as_bytes())? + name.len();
    let (len, text) = match request[at..].split_first()? {
        (&short @ 0x60..=0x77, text) => (usize::from(short & 0x1f), text),
        (0x78, [len, text @ ..]) => (usize::from(*len), text),
        (0x79, [high, low, text @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), text),
        _ => return None,
    };
    std::str::from_utf8(text.get(..len)?).ok()
}

/// An HTTP answer of a service that speaks CBOR.
pub(crate) fn reply(status: &str, body: &Value) -> Vec<u8> {
    let body = encode(body);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\
         smithy-protocol: rpc-v2-cbor\r\ncontent-type: application/cbor\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// An error of CloudWatch.
pub(crate) fn refused(status: &str, code: &str, message: &str) -> Vec<u8> {
    let kind = format!("com.amazonaws.cloudwatch#{code}");
    reply(status, &serde_json::json!({"__type": kind, "message": message}))
}
