/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/provider.h"

#include "base/str.h"

#define X(name) extern const struct provider provider_##name;
PROVIDERS(X)
#undef X

#define X(name) &provider_##name,
static const struct provider *const providers[] = {PROVIDERS(X)};
#undef X

const struct provider *provider_at(size_t index)
{
	return index < sizeof(providers) / sizeof(providers[0]) ? providers[index] : NULL;
}

const struct provider *provider_find(const char *name)
{
	const struct provider *p;
	for (size_t i = 0; (p = provider_at(i)); i++)
		if (str_eq(p->name, name))
			return p;
	return NULL;
}

const struct query *provider_query(const struct provider *p, const struct request *request)
{
	for (const struct query *const *q = p->queries; *q; q++)
		if ((*q)->serves == request->kind && (!(*q)->suits || (*q)->suits(request)))
			return *q;
	return NULL;
}
