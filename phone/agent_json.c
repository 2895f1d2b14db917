/* SPDX-License-Identifier: Apache-2.0 */
/* How values look in JSON, and where they are kept. */
#include "phone/agent_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "os/clock.h"

/* Before each piece of memory, so that its length is known when it is wiped. */
union header {
	size_t len;
	max_align_t align;
};

static void *take(size_t len)
{
	union header *header =
		len <= SIZE_MAX - sizeof(*header) ? malloc(sizeof(*header) + len) : NULL;

	if (header == NULL)
		return NULL;
	header->len = len;
	return header + 1;
}

static void give_back(void *memory)
{
	union header *header = memory;

	if (header == NULL)
		return;
	header--;
	bytes_wipe(header + 1, header->len);
	free(header);
}

void agent_json_init(void)
{
	json_set_alloc_funcs(take, give_back);
}

void agent_json_free(char *text)
{
	give_back(text);
}

json_t *agent_json_time(uint64_t utc_ms)
{
	char text[OS_CLOCK_TEXT_LEN];

	os_clock_format(utc_ms, text);
	return json_string(text);
}

json_t *agent_json_extension(const struct agent *agent, uint32_t extension)
{
	const struct ledger_found *found =
		agent->talk != NULL ? ledger_founding(talk_ledger(agent->talk)) : NULL;
	char text[16];

	if (extension == 0)
		return json_string("");
	(void)snprintf(text, sizeof(text), "%0*u", found != NULL ? (int)found->digits : 0,
		       extension);
	return json_string(text);
}

json_t *agent_json_hex(struct bytes bytes)
{
	char *text = malloc(2 * bytes.len + 1);
	json_t *value;

	if (text == NULL)
		return NULL;
	hex_encode(bytes, text);
	value = json_string(text);
	free(text);
	return value;
}

json_t *agent_json_text(struct bytes text)
{
	return json_stringn((const char *)text.data, text.len);
}

json_t *agent_json_code(const char *code)
{
	return json_sprintf("%.4s-%.4s-%.4s", code, code + 4, code + 8);
}
