import { api } from "../../../lib/client/api.ts";
import { ctrCommand } from "../command.ts";
import { forEach, several } from "../each.ts";

export const contentRmCommand = ctrCommand({
  name: "content rm",
  summary: "remove blobs, even such that images need",
  args: { digests: several("digest", "digests of blobs") },
  flags: {},
  run: async (context, { digests }) => {
    const client = await context.connect();
    return await forEach(context, digests, async (digest) => {
      await client.call(api.content.delete, { digest });
      return digest;
    });
  },
});
