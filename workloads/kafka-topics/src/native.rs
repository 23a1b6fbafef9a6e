//! The calls of librdkafka. What an answer says is copied before the answer is destroyed.

mod owned;

use std::ffi::{CStr, CString, c_char, c_int};
use std::time::Duration;

use rdkafka::bindings as librdkafka;
use rdkafka::client::NativeClient;
use rdkafka::types::RDKafkaRespErr;
use uuid::Uuid;

use self::owned::Owned;
use crate::{DescribedTopic, Error, Topic, TopicError};

/// What librdkafka may take to deliver its own time limit.
const GRACE: Duration = Duration::from_millis(500);

type Options = Owned<librdkafka::rd_kafka_AdminOptions_t>;
type Names = Owned<librdkafka::rd_kafka_TopicCollection_t>;
type Queue = Owned<librdkafka::rd_kafka_queue_t>;
type Event = Owned<librdkafka::rd_kafka_event_t>;

/// Asks, waits and reads. The answer has an entry for each topic that the brokers named.
pub(super) fn describe(
    client: &NativeClient,
    broker: i32,
    topics: &[CString],
    timeout: Duration,
) -> Result<Vec<DescribedTopic>, Error> {
    let refused = || Error::MakeRequest { timeout };
    let options = options(client, broker, timeout).ok_or_else(refused)?;
    let names = names(topics).ok_or_else(refused)?;
    let queue = queue(client).ok_or_else(refused)?;
    // SAFETY: the four objects live until the end of this function. librdkafka copies names and options, and holds the queue
    // itself for as long as its answer is out.
    unsafe {
        librdkafka::rd_kafka_DescribeTopics(client.ptr(), names.pointer(), options.pointer(), queue.pointer());
    }
    let event = next(&queue, timeout + GRACE).ok_or(Error::AwaitAnswer { timeout })?;
    read(&event)
}

/// Nothing when the limit is more than librdkafka knows.
fn options(client: &NativeClient, broker: i32, timeout: Duration) -> Option<Options> {
    let operation = librdkafka::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    // SAFETY: the client lives.
    let options = unsafe { librdkafka::rd_kafka_AdminOptions_new(client.ptr(), operation) };
    // SAFETY: the options are new and ours, and this is their destructor.
    let options = unsafe { Owned::new(options, librdkafka::rd_kafka_AdminOptions_destroy) }?;
    let limited = set(&options, librdkafka::rd_kafka_AdminOptions_set_request_timeout, milliseconds(timeout));
    let directed = set(&options, librdkafka::rd_kafka_AdminOptions_set_broker, broker);
    (limited && directed).then_some(options)
}

type Setter = unsafe extern "C" fn(
    *mut librdkafka::rd_kafka_AdminOptions_t,
    c_int,
    *mut c_char,
    usize,
) -> librdkafka::rd_kafka_resp_err_t;

/// Whether the value was taken.
fn set(options: &Options, setter: Setter, value: c_int) -> bool {
    let mut reason: [c_char; 256] = [0; 256];
    // SAFETY: each setter of this type writes to options, which live, and to the buffer up to the length that is given.
    let code = unsafe { setter(options.pointer(), value, reason.as_mut_ptr(), reason.len()) };
    code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
}

fn names(topics: &[CString]) -> Option<Names> {
    let mut pointers: Vec<*const c_char> = topics.iter().map(|topic| topic.as_ptr()).collect();
    // SAFETY: each pointer is a string that ends with NUL and lives; they are copied.
    let names = unsafe { librdkafka::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()) };
    // SAFETY: the names are new and ours, and this is their destructor.
    unsafe { Owned::new(names, librdkafka::rd_kafka_TopicCollection_destroy) }
}

fn queue(client: &NativeClient) -> Option<Queue> {
    // SAFETY: the client lives.
    let queue = unsafe { librdkafka::rd_kafka_queue_new(client.ptr()) };
    // SAFETY: the queue is new and ours, and this is its destructor. The client is borrowed by the caller for longer.
    unsafe { Owned::new(queue, librdkafka::rd_kafka_queue_destroy) }
}

/// The only event that this queue ever gets is the answer.
fn next(queue: &Queue, timeout: Duration) -> Option<Event> {
    // SAFETY: the queue lives, and no one else reads it.
    let event = unsafe { librdkafka::rd_kafka_queue_poll(queue.pointer(), milliseconds(timeout)) };
    // SAFETY: a polled event is the caller's, and this is its destructor.
    unsafe { Owned::new(event, librdkafka::rd_kafka_event_destroy) }
}

fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

fn read(event: &Event) -> Result<Vec<DescribedTopic>, Error> {
    // SAFETY: the event lives. The code is one of librdkafka's own, which the type knows: this answer of a broker has a code for
    // each topic, but none for the whole.
    let code = unsafe { librdkafka::rd_kafka_event_error(event.pointer()) };
    if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        // SAFETY: the event lives, and so does its text until it is copied here.
        let reason = unsafe { librdkafka::rd_kafka_event_error_string(event.pointer()) };
        return Err(Error::DescribeTopics { reason: text(event, reason) });
    }
    // SAFETY: the event lives. It is null when it is no answer to this request.
    let answer = unsafe { librdkafka::rd_kafka_event_DescribeTopics_result(event.pointer()) };
    if answer.is_null() {
        return Ok(Vec::new());
    }
    let mut count = 0;
    // SAFETY: the answer is a part of the event, which lives.
    let topics = unsafe { librdkafka::rd_kafka_DescribeTopics_result_topics(answer, &raw mut count) };
    // A topic that the brokers left out is null.
    let topics = elements(event, topics, count).iter().filter(|topic| !topic.is_null());
    Ok(topics.map(|topic| described(event, *topic)).collect())
}

fn described(event: &Event, topic: *const librdkafka::rd_kafka_TopicDescription_t) -> DescribedTopic {
    // SAFETY: the topic is a part of the event, which lives.
    let name = unsafe { librdkafka::rd_kafka_TopicDescription_name(topic) };
    // SAFETY: as above.
    let error = unsafe { librdkafka::rd_kafka_TopicDescription_error(topic) };
    let outcome = if error.is_null() {
        match id(event, topic) {
            id if id.is_nil() => Err(TopicError::WithoutId),
            id => Ok(Topic { id, partitions: partitions(event, topic) }),
        }
    } else {
        // The name and not the number: a number that a newer broker sends is no value of the number's type.
        // SAFETY: the error is a part of the event, which lives.
        let code = unsafe { librdkafka::rd_kafka_error_name(error) };
        Err(refusal(text(event, code)))
    };
    DescribedTopic { name: text(event, name), outcome }
}

/// Names are those of librdkafka's table, `rd_kafka_err_descs`.
fn refusal(code: String) -> TopicError {
    match code.as_str() {
        "UNKNOWN_TOPIC_OR_PART" => TopicError::Unknown,
        "TOPIC_AUTHORIZATION_FAILED" => TopicError::Denied,
        _ => TopicError::Other { code },
    }
}

fn id(_: &Event, topic: *const librdkafka::rd_kafka_TopicDescription_t) -> Uuid {
    // SAFETY: the topic is a part of the event, which lives.
    let id = unsafe { librdkafka::rd_kafka_TopicDescription_topic_id(topic) };
    // SAFETY: the id is a part of the topic.
    let most = unsafe { librdkafka::rd_kafka_Uuid_most_significant_bits(id) };
    // SAFETY: as above.
    let least = unsafe { librdkafka::rd_kafka_Uuid_least_significant_bits(id) };
    Uuid::from_u64_pair(most.cast_unsigned(), least.cast_unsigned())
}

fn partitions(event: &Event, topic: *const librdkafka::rd_kafka_TopicDescription_t) -> Vec<i32> {
    let mut count = 0;
    // SAFETY: the topic is a part of the event, which lives.
    let partitions = unsafe { librdkafka::rd_kafka_TopicDescription_partitions(topic, &raw mut count) };
    let number = |partition: &*const librdkafka::rd_kafka_TopicPartitionInfo_t| {
        // SAFETY: the partition is a part of the topic.
        unsafe { librdkafka::rd_kafka_TopicPartitionInfo_partition(*partition) }
    };
    let mut numbers: Vec<i32> = elements(event, partitions, count).iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// An array that belongs to the event, for as long as the event is borrowed. Private, so that nothing else comes in.
fn elements<T>(_: &Event, first: *mut *const T, count: usize) -> &[*const T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: librdkafka gives the first of that many pointers, none of which changes while the event lives.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// A copy of a text that belongs to the event or stands in librdkafka's own table.
fn text(_: &Event, text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the text ends with NUL and lives as long as the event, which is borrowed.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
