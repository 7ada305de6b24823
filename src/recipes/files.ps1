$top = (Get-Item -LiteralPath release-1.4).FullName
$own = '^(checksums\.txt|attestation/checksums\.txt(\.[0-9a-f]{16})?\.sigstore\.json)\z'
$listed = [Collections.Generic.Dictionary[string, string]]::new([StringComparer]::Ordinal)
foreach ($line in [IO.File]::ReadAllLines("$top/checksums.txt")) {
  $listed[$line.Substring(66)] = $line.Substring(0, 64)
}
Get-ChildItem -LiteralPath $top -Recurse -Force | ForEach-Object {
  $name = $_.FullName.Substring($top.Length + 1).Replace('\', '/')
  if ($_.Attributes -band [IO.FileAttributes]::ReparsePoint) { "link: $name" }
  elseif ($_.PSIsContainer) { }
  elseif ($listed.ContainsKey($name)) {
    $found = (Get-FileHash -LiteralPath $_.FullName -Algorithm SHA256).Hash
    if ($found -ne $listed[$name]) { "changed: $name" }
    [void]$listed.Remove($name)
  }
  elseif ($name -cnotmatch $own) { "unlisted: $name" }
}
foreach ($name in $listed.Keys) { "missing: $name" }
