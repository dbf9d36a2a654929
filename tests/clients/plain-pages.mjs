// The pages of a node-oidc-provider, as plain as pages can be: every password is believed, and whatever is asked for can be agreed to.

/** Where the provider sends people: its option `interactions`. */
export const interactions = { url: (_, { uid }) => `/interaction/${uid}` };

/** Answers what comes to `provider`, with its pages. */
export async function answerWithPages(provider, request, response) {
  if (!request.url.startsWith('/interaction/')) {
    return provider.callback()(request, response);
  }
  const { uid, prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    const inside = prompt.name === 'login'
      ? '<label>User name <input name="user_name" value=""></label><label>Password <input type="password" name="password" value=""></label><button type="submit">Sign in</button>'
      : `<p>${params.scope}</p><button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button>`;
    const head = `<title>${prompt.name}</title><link rel="icon" href="data:,">`;
    const page = `<!DOCTYPE html><html lang="en">${head}<form method="post" action="/interaction/${uid}">${inside}</form></html>`;
    return response.writeHead(200, { 'content-type': 'text/html', 'content-length': Buffer.byteLength(page) }).end(page);
  }
  const body = await request.toArray();
  const form = new URLSearchParams(Buffer.concat(body).toString());
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: form.get('user_name') } });
  }
  if (form.get('decision') === 'deny') {
    return provider.interactionFinished(request, response, { error: 'access_denied' });
  }
  const grant = (grantId && await provider.Grant.find(grantId)) || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const { missingOIDCScope = [], missingOIDCClaims = [], missingResourceScopes = {} } = prompt.details;
  grant.addOIDCScope(missingOIDCScope.join(' '));
  grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}
