/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables of fixed size: rooms by token, and members by link. A member is one link in one room, linked
 * into its room's list and its link's bucket. Tokens are compared in constant time although a bucket is
 * chosen by their first bytes: who guesses a bucket has not guessed a token.
 */
#include "relay/rooms.h"

#include <string.h>

#include "base/assert.h"
#include "base/list.h"

#define ROOM_BUCKETS   1024
#define MEMBER_BUCKETS 4096

/* Two links in each of all rooms, and some groups. */
#define MEMBERS_MAX (4 * RELAY_ROOMS_MAX)

struct room {
	struct list place; /* in a bucket, or in the free list */
	struct list members;
	uint8_t token[WIRE_TOKEN_LEN];
	uint16_t member_count;
	uint32_t next_slot;
};

struct member {
	struct list place;   /* in a bucket of links, or in the free list */
	struct list in_room; /* in its room's members */
	struct room *room;
	uint64_t link;
	uint16_t slot;
	uint8_t index;
};

struct relay_rooms {
	struct list room_buckets[ROOM_BUCKETS];
	struct list member_buckets[MEMBER_BUCKETS];
	struct list free_rooms;
	struct list free_members;
	struct room rooms[RELAY_ROOMS_MAX];
	struct member members[MEMBERS_MAX];
	const struct allocator *allocator;
	size_t room_count;
};

enum sotto_err relay_rooms_create(const struct allocator *allocator, struct relay_rooms **rooms)
{
	struct relay_rooms *created = allocator_take_zeroed(allocator, 1, sizeof(*created));

	if (created == NULL)
		return SOTTO_ERR_NO_MEMORY;
	created->allocator = allocator;
	list_init(&created->free_rooms);
	list_init(&created->free_members);
	for (size_t i = 0; i < ROOM_BUCKETS; i++)
		list_init(&created->room_buckets[i]);
	for (size_t i = 0; i < MEMBER_BUCKETS; i++)
		list_init(&created->member_buckets[i]);
	for (size_t i = 0; i < RELAY_ROOMS_MAX; i++)
		list_append(&created->free_rooms, &created->rooms[i].place);
	for (size_t i = 0; i < MEMBERS_MAX; i++)
		list_append(&created->free_members, &created->members[i].place);
	*rooms = created;
	return SOTTO_OK;
}

void relay_rooms_destroy(struct relay_rooms *rooms)
{
	if (rooms != NULL)
		allocator_wipe(rooms->allocator, rooms, sizeof(*rooms));
}

static struct list *room_bucket(struct relay_rooms *rooms, const uint8_t token[WIRE_TOKEN_LEN])
{
	return &rooms->room_buckets[(token[0] | (size_t)token[1] << 8) % ROOM_BUCKETS];
}

static struct room *find_room(struct relay_rooms *rooms, const uint8_t token[WIRE_TOKEN_LEN])
{
	list_for_each (place, next, room_bucket(rooms, token)) {
		struct room *room = CONTAINER_OF(place, struct room, place);

		if (bytes_equal_ct(room->token, token, WIRE_TOKEN_LEN))
			return room;
	}
	return NULL;
}

static struct room *create_room(struct relay_rooms *rooms, const uint8_t token[WIRE_TOKEN_LEN])
{
	struct room *room;

	if (list_empty(&rooms->free_rooms))
		return NULL;
	room = CONTAINER_OF(rooms->free_rooms.next, struct room, place);
	list_remove(&room->place);
	list_init(&room->members);
	memcpy(room->token, token, WIRE_TOKEN_LEN);
	room->member_count = 0;
	room->next_slot = 1;
	list_append(room_bucket(rooms, token), &room->place);
	rooms->room_count++;
	return room;
}

static void release_room(struct relay_rooms *rooms, struct room *room)
{
	if (room->member_count > 0)
		return;
	bytes_wipe(room->token, sizeof(room->token));
	list_remove(&room->place);
	list_append(&rooms->free_rooms, &room->place);
	rooms->room_count--;
}

static const struct list *member_bucket(const struct relay_rooms *rooms, uint64_t link)
{
	return &rooms->member_buckets[link % MEMBER_BUCKETS];
}

/* The member of this link with this index; used[] marks the link's other indexes if not NULL. */
static struct member *find_member(const struct relay_rooms *rooms, uint64_t link,
				  unsigned int index, bool used[RELAY_LINK_ROOMS_MAX])
{
	struct member *found = NULL;

	list_for_each (place, next, member_bucket(rooms, link)) {
		struct member *member = CONTAINER_OF(place, struct member, place);

		if (member->link != link)
			continue;
		if (used != NULL)
			used[member->index] = true;
		if (member->index == index)
			found = member;
	}
	return found;
}

static struct member *member_in_room(const struct room *room, uint64_t link)
{
	list_for_each (place, next, &room->members) {
		struct member *member = CONTAINER_OF(place, struct member, in_room);

		if (member->link == link)
			return member;
	}
	return NULL;
}

static enum sotto_err add_member(struct relay_rooms *rooms, struct room *room, uint64_t link,
				 struct member **added)
{
	bool used[RELAY_LINK_ROOMS_MAX] = {false};
	struct member *member;
	uint8_t index = 0;

	(void)find_member(rooms, link, RELAY_LINK_ROOMS_MAX, used);
	while (index < RELAY_LINK_ROOMS_MAX && used[index])
		index++;
	if (index == RELAY_LINK_ROOMS_MAX || room->member_count == RELAY_ROOM_LINKS_MAX ||
	    room->next_slot > UINT16_MAX || list_empty(&rooms->free_members))
		return SOTTO_ERR_LIMIT;
	member = CONTAINER_OF(rooms->free_members.next, struct member, place);
	list_remove(&member->place);
	member->room = room;
	member->link = link;
	member->slot = (uint16_t)room->next_slot++;
	member->index = index;
	list_append(&rooms->member_buckets[link % MEMBER_BUCKETS], &member->place);
	list_append(&room->members, &member->in_room);
	room->member_count++;
	*added = member;
	return SOTTO_OK;
}

static void remove_member(struct relay_rooms *rooms, struct member *member)
{
	struct room *room = member->room;

	list_remove(&member->in_room);
	list_remove(&member->place);
	list_append(&rooms->free_members, &member->place);
	room->member_count--;
	release_room(rooms, room);
}

enum sotto_err relay_rooms_join(struct relay_rooms *rooms, uint64_t link,
				const uint8_t token[WIRE_TOKEN_LEN], uint8_t *index, uint16_t *slot)
{
	struct room *room = find_room(rooms, token);
	struct member *member;
	enum sotto_err err;

	if (room == NULL)
		room = create_room(rooms, token);
	if (room == NULL)
		return SOTTO_ERR_LIMIT;
	member = member_in_room(room, link);
	if (member == NULL) {
		err = add_member(rooms, room, link, &member);
		if (err != SOTTO_OK) {
			release_room(rooms, room);
			return err;
		}
	}
	*index = member->index;
	*slot = member->slot;
	return SOTTO_OK;
}

enum sotto_err relay_rooms_leave(struct relay_rooms *rooms, uint64_t link, uint8_t index)
{
	struct member *member = find_member(rooms, link, index, NULL);

	if (member == NULL)
		return SOTTO_ERR_NOT_FOUND;
	remove_member(rooms, member);
	return SOTTO_OK;
}

void relay_rooms_leave_all(struct relay_rooms *rooms, uint64_t link)
{
	list_for_each (place, next, member_bucket(rooms, link)) {
		struct member *member = CONTAINER_OF(place, struct member, place);

		if (member->link == link)
			remove_member(rooms, member);
	}
}

enum sotto_err relay_rooms_targets(const struct relay_rooms *rooms, uint64_t link, uint8_t index,
				   uint16_t *slot, struct relay_room_target *targets, size_t *count)
{
	const struct member *sender = find_member(rooms, link, index, NULL);
	size_t found = 0;

	if (sender == NULL)
		return SOTTO_ERR_NOT_FOUND;
	list_for_each (place, next, &sender->room->members) {
		const struct member *member = CONTAINER_OF(place, struct member, in_room);

		if (member == sender)
			continue;
		ASSERT(found < RELAY_ROOM_LINKS_MAX);
		targets[found].link = member->link;
		targets[found].room = member->index;
		found++;
	}
	*slot = sender->slot;
	*count = found;
	return SOTTO_OK;
}

size_t relay_rooms_count(const struct relay_rooms *rooms)
{
	return rooms->room_count;
}

void relay_datagram_stamp(uint8_t *datagram, uint8_t room, uint16_t slot)
{
	datagram[0] = room;
	datagram[1] = (uint8_t)(slot >> 8);
	datagram[2] = (uint8_t)slot;
}
