/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the engine: everything is wiped on its way back. */
#include <string.h>

#include "talk/state.h"

void *talk_take(const struct talk *talk, size_t size)
{
	return allocator_take_zeroed(talk->allocator, 1, size);
}

void talk_give(const struct talk *talk, void *memory, size_t size)
{
	allocator_wipe(talk->allocator, memory, size);
}

uint64_t talk_number(struct talk *talk)
{
	talk->dirty = true;
	return ++talk->rows;
}

void talk_blob_clear(const struct talk *talk, struct talk_blob *blob)
{
	allocator_wipe(talk->allocator, blob->data, blob->len);
	*blob = (struct talk_blob){0};
}

enum sotto_err talk_blob_set(const struct talk *talk, struct talk_blob *blob, struct bytes bytes)
{
	uint8_t *copy = NULL;

	if (bytes.len != 0) {
		copy = allocator_take(talk->allocator, bytes.len);
		if (copy == NULL)
			return SOTTO_ERR_NO_MEMORY;
		memcpy(copy, bytes.data, bytes.len);
	}
	talk_blob_clear(talk, blob);
	*blob = (struct talk_blob){.data = copy, .len = bytes.len};
	return SOTTO_OK;
}

enum sotto_err talk_encode(const struct talk *talk, const struct wire_type *type,
			   const void *structure, struct talk_blob *blob)
{
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, talk->allocator);
	err = wire_encode(type, structure, &writer);
	if (err == SOTTO_OK)
		err = talk_blob_set(talk, blob, writer_bytes(&writer));
	writer_release(&writer);
	return err;
}

void talk_out_free(struct talk *talk, struct talk_out *out)
{
	list_remove(&out->list);
	talk_blob_clear(talk, &out->body);
	talk_records_clear(talk, &out->records);
	talk_give(talk, out->recipients, out->recipient_count * sizeof(*out->recipients));
	talk_give(talk, out, sizeof(*out));
}

void talk_group_free(struct talk *talk, struct talk_group *group)
{
	list_remove(&group->list);
	list_for_each (element, following, &group->outbox)
		talk_out_free(talk, CONTAINER_OF(element, struct talk_out, list));
	for (size_t i = 0; i < group->drop_count; i++)
		talk_drop_clear(talk, &group->drops[i]);
	mls_group_destroy(group->mls);
	talk_records_clear(talk, &group->pending);
	list_for_each (element, following, &group->coming)
		talk_coming_free(talk, CONTAINER_OF(element, struct talk_coming, list));
	list_for_each (element, following, &group->wishes) {
		struct talk_wish *wish = CONTAINER_OF(element, struct talk_wish, list);

		list_remove(&wish->list);
		talk_give(talk, wish, sizeof(*wish));
	}
	mls_buffer_release(&group->welcome);
	talk_give(talk, group->welcomed, group->welcomed_count * sizeof(*group->welcomed));
	talk_give(talk, group->returns, TALK_MEMBERS_MAX * sizeof(*group->returns));
	talk_owed_free(talk, group);
	talk_branch_clear(talk, &group->branch);
	talk_give(talk, group->arrived, group->arrived_capacity * sizeof(*group->arrived));
	talk_give(talk, group, sizeof(*group));
}

void talk_parcel_free(struct talk *talk, struct talk_sent_parcel *parcel)
{
	list_remove(&parcel->list);
	talk_records_clear(talk, &parcel->records);
	talk_give(talk, parcel, sizeof(*parcel));
}

void talk_petition_free(struct talk *talk, struct talk_petition_row *petition)
{
	list_remove(&petition->list);
	talk_blob_clear(talk, &petition->key_package);
	talk_blob_clear(talk, &petition->body);
	talk_give(talk, petition, sizeof(*petition));
}

void talk_coming_free(struct talk *talk, struct talk_coming *coming)
{
	list_remove(&coming->list);
	for (uint16_t i = 0; i < coming->count; i++)
		talk_blob_clear(talk, &coming->parts[i].bytes);
	talk_give(talk, coming->parts, coming->count * sizeof(*coming->parts));
	mls_group_destroy(coming->mls);
	talk_branch_clear(talk, &coming->branch);
	talk_give(talk, coming, sizeof(*coming));
}

/* Room for so many, empty; what was there is gone. */
enum sotto_err talk_records_make(const struct talk *talk, struct talk_records *records,
				 size_t count)
{
	struct talk_blob *items = talk_take(talk, count * sizeof(*items));

	if (items == NULL)
		return SOTTO_ERR_NO_MEMORY;
	talk_records_clear(talk, records);
	records->items = items;
	records->count = count;
	return SOTTO_OK;
}

void talk_records_clear(const struct talk *talk, struct talk_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		talk_blob_clear(talk, &records->items[i]);
	talk_give(talk, records->items, records->count * sizeof(*records->items));
	*records = (struct talk_records){0};
}
