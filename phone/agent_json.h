/* SPDX-License-Identifier: Apache-2.0 */
/* How values look in JSON: times are RFC 3339 UTC, extensions strings with the network's digits. */
#ifndef PHONE_AGENT_JSON_H
#define PHONE_AGENT_JSON_H

#include "phone/agent.h"

/* Before the first use of JSON: its memory is wiped when it is given back, since invitations and messages
 * stand in it. */
void agent_json_init(void);

/* What json_dumps made. NULL is fine. */
void agent_json_free(char *text);

json_t *agent_json_time(uint64_t utc_ms);
json_t *agent_json_extension(const struct agent *agent, uint32_t extension);
json_t *agent_json_hex(struct bytes bytes);

/* TALK_CODE_LEN characters, in groups of four, as they are read out and typed. */
json_t *agent_json_code(const char *code);

/* UTF-8 that was checked when it came. */
json_t *agent_json_text(struct bytes text);

#endif
