/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the ledger: arrays that only grow, each with sorted positions beside it. Room is taken
 * before an entry is committed (ledger_state_reserve), so that committing cannot stop half-way.
 */
#include "ledger/state.h"

#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"

#define GROWTH_MIN 16

/* What an index is sorted by, read from the element at a position. */
typedef struct bytes key_of(const struct ledger *ledger, uint32_t position);

static struct bytes record_id(const struct ledger *ledger, uint32_t position)
{
	return BYTES(ledger->records[position].id, LEDGER_ID_LEN);
}

static struct bytes device_key(const struct ledger *ledger, uint32_t position)
{
	return BYTES(ledger->devices[position].key, LEDGER_KEY_LEN);
}

static struct bytes invitation_key(const struct ledger *ledger, uint32_t position)
{
	return BYTES(ledger->invitations[position].key, LEDGER_KEY_LEN);
}

/* Any total order will do: the bytes of the number as this machine keeps them. */
static struct bytes member_extension(const struct ledger *ledger, uint32_t position)
{
	return BYTES(&ledger->members[position].extension, sizeof(uint32_t));
}

static struct bytes invitation_extension(const struct ledger *ledger, uint32_t position)
{
	return BYTES(&ledger->invitations[position].extension, sizeof(uint32_t));
}

/* Orders as the keys do, as far as it reaches: all of one index have one length. */
static uint64_t key_begins(struct bytes key)
{
	uint64_t begins = 0;

	for (size_t i = 0; i < sizeof(begins); i++)
		begins = begins << 8 | (i < key.len ? key.data[i] : 0);
	return begins;
}

/* The first place whose key is not below `key`; *found if it is that key. */
static uint32_t index_place(const struct ledger *ledger, const struct ledger_index *index,
			    key_of *key_at, struct bytes key, bool *found)
{
	uint64_t begins = key_begins(key);
	uint32_t low = 0;
	uint32_t high = index->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct ledger_index_item *place = &index->places[middle];

		if (place->begins != begins
			    ? place->begins < begins
			    : bytes_compare(key_at(ledger, place->position), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = low < index->count && index->places[low].begins == begins &&
		 bytes_equal(key_at(ledger, index->places[low].position), key);
	return low;
}

/* UINT32_MAX: not there. */
static uint32_t index_find(const struct ledger *ledger, const struct ledger_index *index,
			   key_of *key_at, struct bytes key)
{
	bool found;
	uint32_t place = index_place(ledger, index, key_at, key, &found);

	return found ? index->places[place].position : UINT32_MAX;
}

/* An equal key gives its place to the newer position. */
static void index_put(const struct ledger *ledger, struct ledger_index *index, key_of *key_at,
		      uint32_t position)
{
	bool found;
	struct bytes key = key_at(ledger, position);
	uint32_t place = index_place(ledger, index, key_at, key, &found);

	if (!found) {
		ASSERT(index->count < index->capacity);
		memmove(index->places + place + 1, index->places + place,
			(index->count - place) * sizeof(*index->places));
		index->count++;
	}
	index->places[place] =
		(struct ledger_index_item){.begins = key_begins(key), .position = position};
}

/* Makes room for one more element; what is there moves. */
static enum sotto_err grow(const struct allocator *allocator, void **memory, uint64_t count,
			   uint64_t *capacity, size_t size)
{
	uint64_t wanted = *capacity < GROWTH_MIN ? GROWTH_MIN : *capacity * 2;
	void *larger;

	if (count < *capacity)
		return SOTTO_OK;
	larger = allocator_take_zeroed(allocator, wanted, size);
	if (larger == NULL)
		return SOTTO_ERR_NO_MEMORY;
	if (count != 0)
		memcpy(larger, *memory, count * size);
	allocator_give(allocator, *memory, *capacity * size);
	*memory = larger;
	*capacity = wanted;
	return SOTTO_OK;
}

static enum sotto_err index_grow(struct ledger *ledger, struct ledger_index *index)
{
	void *memory = index->places;
	uint64_t capacity = index->capacity;
	enum sotto_err err =
		grow(ledger->allocator, &memory, index->count, &capacity, sizeof(*index->places));

	if (err != SOTTO_OK)
		return err;
	index->places = memory;
	index->capacity = (uint32_t)capacity;
	return SOTTO_OK;
}

#define GROW(array, count_field, capacity_field) \
	do { \
		void *memory = ledger->array; \
		uint64_t capacity = ledger->capacity_field; \
		TRY(grow(ledger->allocator, &memory, ledger->count_field, &capacity, \
			 sizeof(*ledger->array))); \
		ledger->array = memory; \
		ledger->capacity_field = (uint32_t)capacity; \
	} while (0)

enum sotto_err ledger_state_reserve(struct ledger *ledger)
{
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(ledger->record_count >= LEDGER_ENTRIES_MAX, SOTTO_ERR_LIMIT);
	FAIL_IF(ledger->member_count >= LEDGER_MEMBERS_MAX, SOTTO_ERR_LIMIT);
	FAIL_IF(ledger->device_count >= LEDGER_DEVICES_MAX, SOTTO_ERR_LIMIT);
	GROW(records, record_count, record_capacity);
	GROW(members, member_count, member_capacity);
	GROW(devices, device_count, device_capacity);
	GROW(invitations, invitation_count, invitation_capacity);
	GROW(releases, release_count, release_capacity);
	TRY(index_grow(ledger, &ledger->ids));
	TRY(index_grow(ledger, &ledger->by_extension));
	TRY(index_grow(ledger, &ledger->by_device));
	TRY(index_grow(ledger, &ledger->by_invitation));
	TRY(index_grow(ledger, &ledger->by_extension_invited));
out:
	return err;
}

void ledger_state_put_record(struct ledger *ledger, uint8_t *data, uint32_t len, const uint8_t *id)
{
	static const char label[] = "sotto ledger head 1";
	struct ledger_record *record = &ledger->records[ledger->record_count];
	const uint8_t *previous = ledger_head(ledger, ledger->record_count);
	uint8_t number[8];
	struct hash hash;

	for (size_t i = 0; i < sizeof(number); i++)
		number[i] = (uint8_t)(ledger->record_count >> (56 - 8 * i));
	hash_init(&hash, HASH_SHA256);
	hash_update(&hash, BYTES_TEXT(label));
	hash_update(&hash, BYTES(previous, LEDGER_HASH_LEN));
	hash_update(&hash, BYTES_OF(number));
	hash_update(&hash, BYTES(data, len));
	hash_final(&hash, record->head);
	memcpy(record->id, id, LEDGER_ID_LEN);
	record->data = data;
	record->len = len;
	ledger->entries_len += len;
	index_put(ledger, &ledger->ids, record_id, (uint32_t)ledger->record_count++);
}

struct ledger_member *ledger_state_put_member(struct ledger *ledger, uint32_t extension,
					      struct bytes name, uint64_t since_ms, uint32_t places)
{
	struct ledger_member *member = &ledger->members[ledger->member_count];

	ASSERT(name.len <= LEDGER_NAME_MAX);
	*member = (struct ledger_member){
		.id = ledger->member_count + 1,
		.extension = extension,
		.name_len = (uint8_t)name.len,
		.state = LEDGER_MEMBER_ACTIVE,
		.since_ms = since_ms,
		.places = places,
	};
	memcpy(member->name, name.data, name.len);
	index_put(ledger, &ledger->by_extension, member_extension, ledger->member_count++);
	return member;
}

struct ledger_device *ledger_state_put_device(struct ledger *ledger, const uint8_t *key,
					      uint32_t member)
{
	struct ledger_device *device = &ledger->devices[ledger->device_count];

	*device = (struct ledger_device){.member = member};
	memcpy(device->key, key, LEDGER_KEY_LEN);
	ledger->live_count++;
	index_put(ledger, &ledger->by_device, device_key, ledger->device_count++);
	return device;
}

struct ledger_invitation_entry *ledger_state_put_invitation(struct ledger *ledger,
							    const uint8_t *key, uint32_t extension)
{
	struct ledger_invitation_entry *invitation = &ledger->invitations[ledger->invitation_count];

	*invitation = (struct ledger_invitation_entry){.extension = extension};
	memcpy(invitation->key, key, LEDGER_KEY_LEN);
	index_put(ledger, &ledger->by_invitation, invitation_key, ledger->invitation_count);
	index_put(ledger, &ledger->by_extension_invited, invitation_extension,
		  ledger->invitation_count++);
	return invitation;
}

struct ledger_device *ledger_state_device(struct ledger *ledger, const uint8_t *key)
{
	uint32_t position =
		index_find(ledger, &ledger->by_device, device_key, BYTES(key, LEDGER_KEY_LEN));

	return position == UINT32_MAX ? NULL : &ledger->devices[position];
}

struct ledger_invitation_entry *ledger_state_invitation(struct ledger *ledger, const uint8_t *key)
{
	uint32_t position = index_find(ledger, &ledger->by_invitation, invitation_key,
				       BYTES(key, LEDGER_KEY_LEN));

	return position == UINT32_MAX ? NULL : &ledger->invitations[position];
}

const struct ledger_device *ledger_device_by_key(const struct ledger *ledger, const uint8_t *key)
{
	uint32_t position =
		index_find(ledger, &ledger->by_device, device_key, BYTES(key, LEDGER_KEY_LEN));

	return position == UINT32_MAX ? NULL : &ledger->devices[position];
}

const struct ledger_invitation_entry *ledger_invitation_by_key(const struct ledger *ledger,
							       const uint8_t *key)
{
	uint32_t position = index_find(ledger, &ledger->by_invitation, invitation_key,
				       BYTES(key, LEDGER_KEY_LEN));

	return position == UINT32_MAX ? NULL : &ledger->invitations[position];
}

const struct ledger_invitation_entry *ledger_state_invitation_by_extension(
	const struct ledger *ledger, uint32_t extension)
{
	uint32_t position = index_find(ledger, &ledger->by_extension_invited, invitation_extension,
				       BYTES(&extension, sizeof(extension)));

	return position == UINT32_MAX ? NULL : &ledger->invitations[position];
}

const struct ledger_member *ledger_member_by_extension(const struct ledger *ledger,
						       uint32_t extension)
{
	uint32_t position = index_find(ledger, &ledger->by_extension, member_extension,
				       BYTES(&extension, sizeof(extension)));

	return position == UINT32_MAX ? NULL : &ledger->members[position];
}

bool ledger_state_has_id(const struct ledger *ledger, const uint8_t *id)
{
	return index_find(ledger, &ledger->ids, record_id, BYTES(id, LEDGER_ID_LEN)) != UINT32_MAX;
}

enum sotto_err ledger_create(const struct allocator *allocator, struct ledger **ledger)
{
	struct ledger *made = allocator_take_zeroed(allocator, 1, sizeof(*made));

	if (made == NULL)
		return SOTTO_ERR_NO_MEMORY;
	made->allocator = allocator;
	*ledger = made;
	return SOTTO_OK;
}

static void index_release(const struct ledger *ledger, struct ledger_index *index)
{
	allocator_give(ledger->allocator, index->places, index->capacity * sizeof(*index->places));
}

void ledger_destroy(struct ledger *ledger)
{
	const struct allocator *allocator;

	if (ledger == NULL)
		return;
	allocator = ledger->allocator;
	for (uint64_t i = 0; i < ledger->record_count; i++)
		allocator_give(allocator, ledger->records[i].data, ledger->records[i].len);
	allocator_give(allocator, ledger->records,
		       ledger->record_capacity * sizeof(*ledger->records));
	allocator_give(allocator, ledger->members,
		       ledger->member_capacity * sizeof(*ledger->members));
	allocator_give(allocator, ledger->devices,
		       ledger->device_capacity * sizeof(*ledger->devices));
	allocator_give(allocator, ledger->invitations,
		       ledger->invitation_capacity * sizeof(*ledger->invitations));
	allocator_give(allocator, ledger->releases,
		       ledger->release_capacity * sizeof(*ledger->releases));
	index_release(ledger, &ledger->ids);
	index_release(ledger, &ledger->by_extension);
	index_release(ledger, &ledger->by_device);
	index_release(ledger, &ledger->by_invitation);
	index_release(ledger, &ledger->by_extension_invited);
	allocator_give(allocator, ledger, sizeof(*ledger));
}
