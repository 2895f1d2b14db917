/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to and from numeric text. */
#include "os/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

/* One to five digits, at most 65535, nothing else. */
static enum sotto_err address_parse_port(const char *text, uint16_t *port)
{
	size_t len = strlen(text);
	uint32_t value = 0;

	if (len == 0 || len > 5)
		return SOTTO_ERR_FORMAT;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return SOTTO_ERR_FORMAT;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	if (value > UINT16_MAX)
		return SOTTO_ERR_FORMAT;
	*port = (uint16_t)value;
	return SOTTO_OK;
}

enum sotto_err os_address_parse(const char *text, struct os_address *out)
{
	struct os_address address = {.len = 0};
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	const char *begin = v6 ? text + 1 : text;
	const char *end;
	uint16_t port;
	enum sotto_err err;

	FAIL_IF(colon == NULL || colon == text, SOTTO_ERR_FORMAT);
	end = v6 ? colon - 1 : colon;
	FAIL_IF(v6 && *end != ']', SOTTO_ERR_FORMAT);
	FAIL_IF(end <= begin || (size_t)(end - begin) >= sizeof(host), SOTTO_ERR_FORMAT);
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	TRY(address_parse_port(colon + 1, &port));
	if (v6) {
		address.v6.sin6_family = AF_INET6;
		address.len = sizeof(address.v6);
		FAIL_IF(inet_pton(AF_INET6, host, &address.v6.sin6_addr) != 1, SOTTO_ERR_FORMAT);
	} else {
		address.v4.sin_family = AF_INET;
		address.len = sizeof(address.v4);
		FAIL_IF(inet_pton(AF_INET, host, &address.v4.sin_addr) != 1, SOTTO_ERR_FORMAT);
	}
	os_address_set_port(&address, port);
	*out = address;
	err = SOTTO_OK;
out:
	return err;
}

void os_address_format(const struct os_address *address, char text[OS_ADDRESS_TEXT_LEN])
{
	char host[INET6_ADDRSTRLEN];

	text[0] = '\0';
	if (address->len == 0)
		return;
	if (address->any.sa_family == AF_INET6) {
		ASSERT(inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host)) != NULL);
		ASSERT(snprintf(text, OS_ADDRESS_TEXT_LEN, "[%s]:%u", host,
				os_address_port(address)) < OS_ADDRESS_TEXT_LEN);
	} else {
		ASSERT(inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host)) != NULL);
		ASSERT(snprintf(text, OS_ADDRESS_TEXT_LEN, "%s:%u", host,
				os_address_port(address)) < OS_ADDRESS_TEXT_LEN);
	}
}

bool os_address_equal(const struct os_address *a, const struct os_address *b)
{
	if (a->len != b->len)
		return false;
	if (a->len == 0)
		return true;
	if (a->any.sa_family != b->any.sa_family || os_address_port(a) != os_address_port(b))
		return false;
	if (a->any.sa_family == AF_INET6)
		return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0 &&
		       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
	return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

uint16_t os_address_port(const struct os_address *address)
{
	if (address->len == 0)
		return 0;
	return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port
							: address->v4.sin_port);
}

void os_address_set_port(struct os_address *address, uint16_t port)
{
	if (address->any.sa_family == AF_INET6)
		address->v6.sin6_port = htons(port);
	else
		address->v4.sin_port = htons(port);
}

bool os_address_is_wildcard(const struct os_address *address)
{
	if (address->len == 0)
		return true;
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
	return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

enum sotto_err os_address_set(struct os_address *address, const struct sockaddr *any, socklen_t len)
{
	struct os_address copy = {.len = 0};

	if (len < sizeof(any->sa_family))
		return SOTTO_ERR_FORMAT;
	if (any->sa_family == AF_INET)
		copy.len = sizeof(copy.v4);
	else if (any->sa_family == AF_INET6)
		copy.len = sizeof(copy.v6);
	else
		return SOTTO_ERR_UNSUPPORTED;
	if (len < copy.len)
		return SOTTO_ERR_FORMAT;
	memcpy(&copy.any, any, copy.len);
	*address = copy;
	return SOTTO_OK;
}
