/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding and checking entries, as far as that needs no ledger; signing them. */
#include "ledger/entry.h"

#include <string.h>

#include "base/utf8.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

static const char act_label[] = "sotto ledger act 1";
static const char enrol_label[] = "sotto ledger enrol 1";
static const char further_label[] = "sotto ledger further 1";
static const char network_label[] = "sotto network 1";

/* What a signature covers beside its content: a label, so that it is good for nothing else. */
#define SIGNED_LEN_MAX (64 + LEDGER_HASH_LEN + LEDGER_ENTRY_LEN_MAX)

const char *ledger_action_name(uint8_t action)
{
	static const char *const names[] = {
		[LEDGER_FOUND] = "found",     [LEDGER_AUTHORISE] = "authorise",
		[LEDGER_ENROL] = "enrol",     [LEDGER_CONFIRM] = "confirm",
		[LEDGER_RENEW] = "renew",     [LEDGER_REVOKE] = "revoke",
		[LEDGER_SUSPEND] = "suspend", [LEDGER_POLICY] = "policy",
		[LEDGER_ADMINS] = "admins",   [LEDGER_RELAYS] = "relays",
		[LEDGER_RELEASE] = "release", [LEDGER_FURTHER] = "further",
		[LEDGER_RETIRE] = "retire",   [LEDGER_TERM] = "term",
	};

	return action < ARRAY_LEN(names) ? names[action] : NULL;
}

bool ledger_name_valid(struct bytes name)
{
	/* Controls, and what turns the direction of text or hides in it: a name must look like what
	 * the admins signed on every screen. */
	static const struct {
		uint32_t first, last;
	} refused[] = {{0, 0x1f},	 {0x7f, 0x9f},	     {0xad, 0xad},     {0x61c, 0x61c},
		       {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f}, {0xfeff, 0xfeff},
		       {0xfff0, 0xfffd}, {0xe0000, 0x10ffff}};

	if (name.len == 0 || name.len > LEDGER_NAME_MAX)
		return false;
	while (name.len > 0) {
		uint32_t point;

		if (!utf8_next(&name, &point))
			return false;
		for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
			if (point >= refused[i].first && point <= refused[i].last)
				return false;
		}
	}
	return true;
}

bool ledger_address_valid(struct bytes address)
{
	bool colon = false;

	if (address.len < 3 || address.len > LEDGER_ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < address.len; i++) {
		if (address.data[i] <= ' ' || address.data[i] > '~')
			return false;
		colon = colon || address.data[i] == ':';
	}
	return colon;
}

/* NULL: the action has no body here. */
static const struct wire_type *body_type(uint8_t action)
{
	switch (action) {
	case LEDGER_FOUND:
		return &ledger_found_type;
	case LEDGER_AUTHORISE:
		return &ledger_authorise_type;
	case LEDGER_ENROL:
		return &ledger_enrol_type;
	case LEDGER_CONFIRM:
	case LEDGER_REVOKE:
	case LEDGER_RETIRE:
	case LEDGER_SUSPEND:
		return &ledger_subject_type;
	case LEDGER_FURTHER:
		return &ledger_further_type;
	case LEDGER_ADMINS:
		return &ledger_admins_type;
	case LEDGER_POLICY:
		return &ledger_policy_type;
	case LEDGER_RELAYS:
		return &ledger_relays_type;
	case LEDGER_RELEASE:
		return &ledger_release_type;
	case LEDGER_TERM:
		return &ledger_term_type;
	default:
		return NULL;
	}
}

static bool key_valid(const uint8_t *key)
{
	return sign_check_public(SIGN_ED25519, BYTES(key, LEDGER_KEY_LEN)) == SOTTO_OK;
}

/* Devices' keys ascending, each with a rotation key of its own, and a threshold that fits their number. */
static bool admins_valid(const struct ledger_admins *admins)
{
	struct wire_cursor cursor = wire_list_walk(&admins->keys);
	struct ledger_admin_keys seen[LEDGER_ADMINS_MAX];
	size_t count = 0;

	if (!ledger_threshold_fits(admins->threshold, (uint32_t)admins->keys.count))
		return false;
	while (count < LEDGER_ADMINS_MAX &&
	       wire_list_next(&cursor, &ledger_admin_keys_type, &seen[count])) {
		if (count > 0 &&
		    bytes_compare(BYTES_OF(seen[count - 1].key), BYTES_OF(seen[count].key)) >= 0)
			return false;
		if (!key_valid(seen[count].rotation))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (bytes_equal(BYTES_OF(seen[i].rotation), BYTES_OF(seen[count].rotation)))
				return false;
		}
		count++;
	}
	return true;
}

static bool within(uint64_t value, uint64_t least, uint64_t most)
{
	return value >= least && value <= most;
}

static bool policy_valid(const struct ledger_policy *policy)
{
	const uint64_t most = policy->disappear_max_ms;

	return within(policy->retention_ms, LEDGER_RETENTION_MIN, LEDGER_RETENTION_MAX) &&
	       within(policy->beat_ms, LEDGER_BEAT_MIN, LEDGER_BEAT_MAX) &&
	       (policy->disappear_ms == 0 ||
		within(policy->disappear_ms, LEDGER_DISAPPEAR_MIN, LEDGER_DISAPPEAR_MAX)) &&
	       (most == 0 || (within(most, LEDGER_DISAPPEAR_MIN, LEDGER_DISAPPEAR_MAX) &&
			      within(policy->disappear_ms, LEDGER_DISAPPEAR_MIN, most))) &&
	       (policy->features_off & ~LEDGER_FEATURES) == 0 &&
	       within(policy->bitrates, 1, LEDGER_BITRATES);
}

/* Each of them another one, by address and by key. */
static bool relays_valid(const struct ledger_relays *relays)
{
	struct ledger_relay seen[LEDGER_RELAYS_MAX];
	struct wire_cursor cursor = wire_list_walk(&relays->relays);
	size_t count = 0;

	while (count < LEDGER_RELAYS_MAX &&
	       wire_list_next(&cursor, &ledger_relay_type, &seen[count])) {
		if (!ledger_address_valid(seen[count].address) || !key_valid(seen[count].key))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (bytes_equal(seen[i].address, seen[count].address) ||
			    memcmp(seen[i].key, seen[count].key, LEDGER_KEY_LEN) == 0)
				return false;
		}
		count++;
	}
	return count > 0;
}

static bool body_valid(uint8_t action, const union ledger_body *body)
{
	switch (action) {
	case LEDGER_FOUND:
		return ledger_name_valid(body->found.network_name) &&
		       ledger_name_valid(body->found.name) &&
		       ledger_address_valid(body->found.relay_address) &&
		       key_valid(body->found.relay_key) && key_valid(body->found.device_key) &&
		       key_valid(body->found.rotation);
	case LEDGER_AUTHORISE:
		return ledger_name_valid(body->authorise.name) &&
		       key_valid(body->authorise.invitation_key);
	case LEDGER_ENROL:
		return key_valid(body->enrol.device_key);
	case LEDGER_ADMINS:
		return admins_valid(&body->admins);
	case LEDGER_FURTHER:
		return ledger_name_valid(body->further.name) && key_valid(body->further.device_key);
	case LEDGER_POLICY:
		return policy_valid(&body->policy);
	case LEDGER_RELAYS:
		return relays_valid(&body->relays);
	case LEDGER_RELEASE:
		return ledger_name_valid(body->release.version) && body->release.number > 0;
	default:
		return true;
	}
}

enum sotto_err ledger_body_decode(uint8_t action, struct bytes input, union ledger_body *body)
{
	const struct wire_type *type = body_type(action);
	union ledger_body decoded;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(type == NULL, SOTTO_ERR_UNSUPPORTED);
	TRY(wire_decode(type, input, &decoded));
	FAIL_IF(!body_valid(action, &decoded), SOTTO_ERR_INVALID);
	*body = decoded;
out:
	return err;
}

enum sotto_err ledger_body_encode(uint8_t action, const union ledger_body *body,
				  struct writer *writer)
{
	const struct wire_type *type = body_type(action);

	return type == NULL ? SOTTO_ERR_UNSUPPORTED : wire_encode(type, body, writer);
}

static enum sotto_err signatures_decode(const struct wire_list *list, struct ledger_entry *entry)
{
	struct wire_cursor cursor = wire_list_walk(list);
	struct ledger_signature *next = entry->signatures;

	entry->signature_count = (uint8_t)list->count;
	while (wire_list_next(&cursor, &ledger_signature_type, next)) {
		if (next > entry->signatures &&
		    bytes_compare(BYTES_OF(next[-1].key), BYTES_OF(next->key)) >= 0)
			return SOTTO_ERR_INVALID;
		next++;
		if (next == entry->signatures + list->count)
			break;
	}
	return SOTTO_OK;
}

enum sotto_err ledger_entry_decode(struct bytes input, struct ledger_entry *entry)
{
	struct ledger_envelope envelope;
	struct ledger_entry decoded = {0};
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(input.len > LEDGER_ENTRY_LEN_MAX, SOTTO_ERR_LIMIT);
	TRY(wire_decode(&ledger_envelope_type, input, &envelope));
	FAIL_IF(envelope.act.len == 0, SOTTO_ERR_FORMAT);
	FAIL_IF(envelope.act.data[0] != LEDGER_VERSION, SOTTO_ERR_VERSION);
	TRY(wire_decode(&ledger_act_type, envelope.act, &decoded.act));
	decoded.to_sign = envelope.act;
	if (envelope.signatures.count > 0)
		TRY(signatures_decode(&envelope.signatures, &decoded));
	*entry = decoded;
out:
	return err;
}

void ledger_entry_network(const struct ledger_entry *found, uint8_t *network)
{
	struct hash hash;

	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT(network_label));
	hash_update(&hash, found->to_sign);
	hash_final(&hash, network);
}

/* The content of a signature, in out; its length. */
static size_t signed_content(struct bytes label, const uint8_t *network, struct bytes content,
			     uint8_t *out)
{
	struct writer writer;

	writer_init_fixed(&writer, out, SIGNED_LEN_MAX);
	writer_put_bytes(&writer, label);
	writer_put_bytes(&writer, BYTES(network, LEDGER_HASH_LEN));
	writer_put_bytes(&writer, content);
	ASSERT(writer.err == SOTTO_OK);
	return writer.len;
}

static enum sotto_err sign(struct bytes private_key, struct bytes label, const uint8_t *network,
			   struct bytes content, uint8_t *signature)
{
	uint8_t message[SIGNED_LEN_MAX];
	size_t len = signed_content(label, network, content, message);

	return sign_create(SIGN_ED25519, NULL, private_key, BYTES(message, len), signature, &len);
}

static enum sotto_err verify(const uint8_t *key, struct bytes label, const uint8_t *network,
			     struct bytes content, const uint8_t *signature)
{
	uint8_t message[SIGNED_LEN_MAX];
	size_t len = signed_content(label, network, content, message);

	return sign_verify(SIGN_ED25519, BYTES(key, LEDGER_KEY_LEN), BYTES(message, len),
			   BYTES(signature, LEDGER_SIGNATURE_LEN));
}

enum sotto_err ledger_entry_verify(const struct ledger_entry *entry, const uint8_t *network,
				   const struct ledger_signature *signature)
{
	return verify(signature->key, BYTES_TEXT(act_label), network, entry->to_sign,
		      signature->signature);
}

#define ENROL_SIGNED_LEN (2 * LEDGER_KEY_LEN + LEDGER_HASH_LEN)

static void enrol_content(const struct ledger_enrol *enrol, uint8_t *out)
{
	memcpy(out, enrol->invitation_key, LEDGER_KEY_LEN);
	memcpy(out + LEDGER_KEY_LEN, enrol->device_key, LEDGER_KEY_LEN);
	memcpy(out + 2 * LEDGER_KEY_LEN, enrol->inbox_read, LEDGER_HASH_LEN);
}

enum sotto_err ledger_enrol_sign(const uint8_t *network, struct bytes invitation_private,
				 struct bytes device_private, struct ledger_enrol *enrol)
{
	struct ledger_enrol signed_enrol = *enrol;
	uint8_t content[ENROL_SIGNED_LEN];
	enum sotto_err err = SOTTO_OK;

	TRY(sign_public(SIGN_ED25519, invitation_private, signed_enrol.invitation_key));
	TRY(sign_public(SIGN_ED25519, device_private, signed_enrol.device_key));
	enrol_content(&signed_enrol, content);
	TRY(sign(invitation_private, BYTES_TEXT(enrol_label), network, BYTES_OF(content),
		 signed_enrol.by_invitation));
	TRY(sign(device_private, BYTES_TEXT(enrol_label), network, BYTES_OF(content),
		 signed_enrol.by_device));
	*enrol = signed_enrol;
out:
	return err;
}

enum sotto_err ledger_enrol_verify(const uint8_t *network, const struct ledger_enrol *enrol)
{
	uint8_t content[ENROL_SIGNED_LEN];
	enum sotto_err err = SOTTO_OK;

	enrol_content(enrol, content);
	TRY(verify(enrol->invitation_key, BYTES_TEXT(enrol_label), network, BYTES_OF(content),
		   enrol->by_invitation));
	TRY(verify(enrol->device_key, BYTES_TEXT(enrol_label), network, BYTES_OF(content),
		   enrol->by_device));
out:
	return err;
}

#define FURTHER_SIGNED_LEN_MAX (3 * LEDGER_KEY_LEN + LEDGER_HASH_LEN + LEDGER_NAME_MAX)

/* The name comes last, so that its length needs no field. */
static struct bytes further_content(const struct ledger_further *further, uint8_t *out)
{
	struct writer writer;

	writer_init_fixed(&writer, out, FURTHER_SIGNED_LEN_MAX);
	writer_put_bytes(&writer, BYTES_OF(further->approver));
	writer_put_bytes(&writer, BYTES_OF(further->card_key));
	writer_put_bytes(&writer, BYTES_OF(further->device_key));
	writer_put_bytes(&writer, BYTES_OF(further->inbox_read));
	writer_put_bytes(&writer, further->name);
	ASSERT(writer.err == SOTTO_OK);
	return writer_bytes(&writer);
}

enum sotto_err ledger_further_sign(const uint8_t *network, struct bytes card_private,
				   struct bytes device_private, struct ledger_further *further)
{
	struct ledger_further made = *further;
	uint8_t buffer[FURTHER_SIGNED_LEN_MAX];
	struct bytes content;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(!ledger_name_valid(made.name), SOTTO_ERR_INVALID);
	TRY(sign_public(SIGN_ED25519, card_private, made.card_key));
	TRY(sign_public(SIGN_ED25519, device_private, made.device_key));
	content = further_content(&made, buffer);
	TRY(sign(card_private, BYTES_TEXT(further_label), network, content, made.by_card));
	TRY(sign(device_private, BYTES_TEXT(further_label), network, content, made.by_device));
	*further = made;
out:
	return err;
}

enum sotto_err ledger_further_verify(const uint8_t *network, const struct ledger_further *further)
{
	uint8_t buffer[FURTHER_SIGNED_LEN_MAX];
	struct bytes content;
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(!ledger_name_valid(further->name), SOTTO_ERR_INVALID);
	content = further_content(further, buffer);
	TRY(verify(further->card_key, BYTES_TEXT(further_label), network, content,
		   further->by_card));
	TRY(verify(further->device_key, BYTES_TEXT(further_label), network, content,
		   further->by_device));
out:
	return err;
}

enum sotto_err ledger_draft_init(struct ledger_draft *draft, const uint8_t *network, uint8_t action,
				 const uint8_t *id, uint64_t base_length, const uint8_t *base_head,
				 uint64_t stated_ms, const union ledger_body *body)
{
	struct ledger_draft made = {0};
	struct ledger_act act = {
		.version = LEDGER_VERSION,
		.action = action,
		.base_length = base_length,
		.stated_ms = stated_ms,
	};
	struct ledger_entry entry;
	uint8_t encoded[LEDGER_BODY_MAX];
	struct writer writer;
	enum sotto_err err = SOTTO_OK;

	writer_init_fixed(&writer, encoded, sizeof(encoded));
	TRY(ledger_body_encode(action, body, &writer));
	memcpy(act.id, id, LEDGER_ID_LEN);
	if (base_head != NULL)
		memcpy(act.base_head, base_head, LEDGER_HASH_LEN);
	act.body = writer_bytes(&writer);
	writer_init_fixed(&writer, made.act, sizeof(made.act));
	TRY(wire_encode(&ledger_act_type, &act, &writer));
	made.act_len = writer.len;
	entry.to_sign = writer_bytes(&writer);
	if (action == LEDGER_FOUND)
		ledger_entry_network(&entry, made.network);
	else
		memcpy(made.network, network, LEDGER_HASH_LEN);
	*draft = made;
out:
	return err;
}

enum sotto_err ledger_draft_take(struct ledger_draft *draft, const uint8_t *network,
				 struct bytes bytes)
{
	struct ledger_draft made = {0};
	struct ledger_entry entry;
	enum sotto_err err = SOTTO_OK;

	TRY(ledger_entry_decode(bytes, &entry));
	FAIL_IF(entry.to_sign.len > sizeof(made.act), SOTTO_ERR_LIMIT);
	memcpy(made.network, network, LEDGER_HASH_LEN);
	memcpy(made.act, entry.to_sign.data, entry.to_sign.len);
	made.act_len = entry.to_sign.len;
	made.signature_count = entry.signature_count;
	memcpy(made.signatures, entry.signatures, sizeof(made.signatures));
	*draft = made;
out:
	return err;
}

/* In ascending order of keys, none twice. */
static enum sotto_err signature_put(struct ledger_draft *draft,
				    const struct ledger_signature *signature)
{
	uint8_t place = 0;

	while (place < draft->signature_count &&
	       bytes_compare(BYTES_OF(draft->signatures[place].key), BYTES_OF(signature->key)) < 0)
		place++;
	if (place < draft->signature_count &&
	    bytes_equal(BYTES_OF(draft->signatures[place].key), BYTES_OF(signature->key)))
		return SOTTO_ERR_EXISTS;
	if (draft->signature_count == LEDGER_ADMINS_MAX)
		return SOTTO_ERR_LIMIT;
	memmove(draft->signatures + place + 1, draft->signatures + place,
		(size_t)(draft->signature_count - place) * sizeof(*signature));
	draft->signatures[place] = *signature;
	draft->signature_count++;
	return SOTTO_OK;
}

enum sotto_err ledger_draft_put(struct ledger_draft *draft,
				const struct ledger_signature *signature)
{
	enum sotto_err err = verify(signature->key, BYTES_TEXT(act_label), draft->network,
				    BYTES(draft->act, draft->act_len), signature->signature);

	return err == SOTTO_OK ? signature_put(draft, signature) : err;
}

enum sotto_err ledger_draft_sign(struct ledger_draft *draft, struct bytes private_key)
{
	struct ledger_signature made;
	enum sotto_err err = SOTTO_OK;

	TRY(sign_public(SIGN_ED25519, private_key, made.key));
	TRY(sign(private_key, BYTES_TEXT(act_label), draft->network,
		 BYTES(draft->act, draft->act_len), made.signature));
	TRY(signature_put(draft, &made));
out:
	return err;
}

enum sotto_err ledger_draft_encode(const struct ledger_draft *draft, struct writer *writer)
{
	struct ledger_envelope envelope = {
		.act = BYTES(draft->act, draft->act_len),
		.signatures = {.items = draft->signatures, .count = draft->signature_count},
	};

	return wire_encode(&ledger_envelope_type, &envelope, writer);
}
