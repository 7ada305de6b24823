# Reads the reports of all shards of a bundle (`aicr verify --shard I/N --report FILE`), and prints one
# line: whether the bundle is accepted, or else why not.
#
#   jq --slurp --raw-output --argjson shards N --from-file all-shards.jq reports/*.json
#
# N shards are an accepted bundle only if each was accepted, none is missing, and all have the same
# manifest.

def some: if length > 3 then .[:3] + ["and \(length - 3) more"] else . end | join(", ");

(map(.bundles[]?)) as $all
| ($all | map(select(.verdict == "accepted-shard" and .shard.of == $shards))) as $accepted
| ($accepted | map(.shard.index) | unique) as $seen
| ($accepted | map(.manifest.sha256) | unique) as $manifests
| ($all | map(.findings[] | "\(.kind) \(.path)") | unique) as $findings
| ([.[].error, $all[].error] | map(values | .message) | unique) as $errors
| ([range(1; $shards + 1)] - $seen | map(tostring)) as $missing
| if ($findings | length) > 0 then "rejected: \($findings | some)"
  elif ($errors | length) > 0 then "not accepted: \($errors | some)"
  elif ($missing | length) > 0 then "not accepted: no report of shard \($missing | some)"
  elif ($manifests | length) != 1 then "not accepted: the shards have \($manifests | length) different manifests"
  else
    "accepted: \($accepted[0].path), \($shards) shards, \($accepted | unique_by(.shard.index) | map(.manifest.files) | add) files, "
    + "manifest sha256 \($manifests[0])"
  end
