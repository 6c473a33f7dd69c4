// SPDX-License-Identifier: Apache-2.0
#include "schema/enrolment_codec.hpp"

#include "schema/limits.hpp"
#include "schema/limits_enrolment.hpp"
#include "schema/names.hpp"
#include "schema/record_enrolment.hpp"
#include "schema/record_envelope.hpp"

namespace drover {
namespace {

kj::StringPtr text(const std::string& from) {
  return {from.c_str(), from.size()};
}

std::string string(capnp::Text::Reader from) {
  return {from.begin(), from.size()};
}

unsigned count(size_t entries) {
  return static_cast<unsigned>(entries);
}

void write(capnp::List<enrolments::Entry>::Builder to, const string_map& from) {
  unsigned at = 0;
  for (const auto& [key, value] : from) {
    to[at].setKey(text(key));
    to[at++].setValue(text(value));
  }
}

/// Too many, or too long: what is over the bounds is left out.
string_map labels(capnp::List<enrolments::Entry>::Reader from) {
  string_map out;
  for (auto entry : from)
    if (out.size() < limits::entries_max && entry.getKey().size() <= limits::value_bytes_max
        && entry.getValue().size() <= limits::value_bytes_max)
      out[string(entry.getKey())] = string(entry.getValue());
  return out;
}

failure bad(const std::string& what) {
  return {ec::bad_input, "enrolment: " + what};
}

expected<enrolment_grant> read_grant(enrolments::Grant::Reader from) {
  enrolment_grant out;
  if (from.getCertificate().size() > limits::enrolment_authority_bytes_max
      || from.getAuthority().size() > limits::enrolment_authority_bytes_max)
    return bad("the farm's certificates are too long");
  out.certificate = string(from.getCertificate());
  out.authority = string(from.getAuthority());
  out.farm = printable(string(from.getFarm()), limits::name_bytes_max);
  out.until = {from.getUntilMs()};
  out.labels = labels(from.getLabels());
  return out;
}

} // namespace

void write(const enrolment_request& from, enrolments::Request::Builder to) {
  to.setSecret(text(from.secret));
  to.setName(text(from.name));
  to.setRequest({reinterpret_cast<const kj::byte*>(from.request.data()), from.request.size()});
  to.setVersion(text(from.version));
}

void write(const enrolment_answer& from, enrolments::Answer::Builder to) {
  if (const auto* no = std::get_if<enrolment_refusal>(&from)) {
    to.setRefusal(text(no->reason));
    return;
  }
  const auto& yes = std::get<enrolment_grant>(from);
  auto grant = to.initGrant();
  grant.setCertificate(text(yes.certificate));
  grant.setAuthority(text(yes.authority));
  grant.setFarm(text(yes.farm));
  grant.setUntilMs(yes.until.ms);
  write(grant.initLabels(count(yes.labels.size())), yes.labels);
}

expected<enrolment_request> read(enrolments::Request::Reader from) {
  enrolment_request out;
  if (from.getSecret().size() > limits::join_token_bytes_max)
    return bad("the token is too long");
  out.secret = string(from.getSecret());
  if (from.getName().size() > limits::name_bytes_max)
    return bad("the host's name is too long");
  out.name = string(from.getName());
  if (auto problem = name_problem("host", out.name))
    return bad(*problem);
  auto request = from.getRequest();
  if (request.size() > limits::enrolment_request_bytes_max)
    return bad("the certificate request is too long");
  out.request = {reinterpret_cast<const char*>(request.begin()), request.size()};
  out.version = printable(string(from.getVersion()), limits::reason_bytes_max);
  return out;
}

expected<enrolment_answer> read(enrolments::Answer::Reader from) {
  switch (from.which()) {
  case enrolments::Answer::REFUSAL:
    return enrolment_answer{
      enrolment_refusal{printable(string(from.getRefusal()), limits::reason_bytes_max)}};
  case enrolments::Answer::GRANT: {
    auto grant = read_grant(from.getGrant());
    if (!grant)
      return grant.error();
    return enrolment_answer{*std::move(grant)};
  }
  }
  return bad("the farm's answer is of a later version");
}

namespace record {

std::string encode(const host_identity& value) {
  record_builder message;
  auto to = message.initRoot<enrolments::HostIdentity>();
  to.setName(text(value.name.value));
  write(to.initLabels(count(value.labels.size())), value.labels);
  auto valid = to.initValid(count(value.valid.size()));
  for (unsigned at = 0; at < valid.size(); ++at) {
    valid[at].setSerial(text(value.valid[at].serial));
    valid[at].setKeySha256(text(value.valid[at].key_sha256));
    valid[at].setPem(text(value.valid[at].pem));
    valid[at].setToken(text(value.valid[at].token));
    valid[at].setAtMs(value.valid[at].at.ms);
    valid[at].setUntilMs(value.valid[at].until.ms);
  }
  auto revoked = to.initRevoked(count(value.revoked.size()));
  for (unsigned at = 0; at < revoked.size(); ++at) {
    revoked[at].setSerial(text(value.revoked[at].serial));
    revoked[at].setAtMs(value.revoked[at].at.ms);
    revoked[at].setBy(text(value.revoked[at].by));
    revoked[at].setReason(text(value.revoked[at].reason));
  }
  return finish(kind::host_identity, message);
}

expected<host_identity> decode_host_identity(std::string_view bytes) {
  auto read_root = [](enrolments::HostIdentity::Reader from) {
    host_identity to;
    to.name = {string(from.getName())};
    to.labels = labels(from.getLabels());
    for (auto one : from.getValid())
      to.valid.push_back({string(one.getSerial()),
                          string(one.getKeySha256()),
                          string(one.getPem()),
                          string(one.getToken()),
                          {one.getAtMs()},
                          {one.getUntilMs()}});
    for (auto one : from.getRevoked())
      to.revoked.push_back(
        {string(one.getSerial()), {one.getAtMs()}, string(one.getBy()), string(one.getReason())});
    return to;
  };
  return decode<enrolments::HostIdentity, host_identity>(kind::host_identity, bytes, read_root);
}

} // namespace record
} // namespace drover
