#!/bin/sh
# Makes the stores of this folder with the JDK's keytool, and openssl's where its name says so: what other
# people's tools write, for the readers in net/. Run in an empty folder; the result is checked in, so that the
# tests need neither.
set -eu
valid="-validity 36500"
quiet="-J-Duser.language=en -noprompt"

# An authority, and a broker's certificate that it signed.
keytool $quiet -genkeypair -alias authority -keyalg EC -groupname secp256r1 -dname "CN=Test Authority" -ext bc:c=ca:true \
  $valid -storetype JKS -keystore authority.tmp -storepass storepass -keypass storepass
keytool $quiet -exportcert -alias authority -keystore authority.tmp -storepass storepass -rfc -file authority.pem

make_identity() {  # file, type, key password, further options
  file=$1 type=$2 key_password=$3
  shift 3
  keytool $quiet -genkeypair -alias broker -keyalg EC -groupname secp256r1 -dname "CN=broker-1, O=Example" $valid \
    -storetype "$type" -keystore "$file" -storepass storepass -keypass "$key_password" "$@"
  keytool $quiet -certreq -alias broker -keystore "$file" -storepass storepass -keypass "$key_password" -file request.tmp
  keytool $quiet -gencert -alias authority -keystore authority.tmp -storepass storepass -infile request.tmp \
    -outfile answer.tmp -rfc $valid -ext san=dns:broker-1.example,ip:127.0.0.1
  cat answer.tmp authority.pem > chain.tmp
  keytool $quiet -importcert -alias broker -keystore "$file" -storepass storepass -keypass "$key_password" -file chain.tmp "$@"
}
make_trust() {  # file, type, password, further options
  file=$1 type=$2 password=$3
  shift 3
  keytool $quiet -importcert -alias authority -file authority.pem -storetype "$type" -keystore "$file" -storepass "$password" "$@"
}

make_identity identity.jks JKS keypass
make_identity identity.p12 PKCS12 storepass
make_identity identity-legacy.p12 PKCS12 storepass -J-Dkeystore.pkcs12.legacy
make_trust trust.jks JKS storepass
make_trust trust-unicode.jks JKS "pässwörd-密码-😀" -J-Dfile.encoding=UTF-8 -J-Dsun.jnu.encoding=UTF-8
make_trust trust.p12 PKCS12 storepass
make_trust trust-legacy.p12 PKCS12 storepass -J-Dkeystore.pkcs12.legacy
make_trust trust-without-password.p12 PKCS12 storepass -J-Dkeystore.pkcs12.certPbeIterationCount=1 \
  -J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE -J-Dkeystore.pkcs12.macAlgorithm=NONE
keytool $quiet -importkeystore -srckeystore trust.jks -srcstorepass storepass -destkeystore trust.jceks \
  -deststoretype JCEKS -deststorepass storepass
keytool $quiet -genkeypair -alias second -keyalg EC -groupname secp256r1 -dname "CN=second" $valid -storetype JKS \
  -keystore two-keys.jks -storepass storepass -keypass storepass
keytool $quiet -genkeypair -alias third -keyalg EC -groupname secp256r1 -dname "CN=third" $valid -storetype JKS \
  -keystore two-keys.jks -storepass storepass -keypass storepass

openssl pkcs12 -export -nokeys -in authority.pem -passout pass:storepass -out trust-openssl.p12
openssl pkcs12 -in identity.p12 -passin pass:storepass -nodes -out identity.tmp 2>/dev/null
openssl pkcs12 -export -legacy -in identity.tmp -passout pass:storepass -out identity-openssl-legacy.p12
openssl pkcs12 -export -in identity.tmp -passout pass: -out identity-openssl-empty-password.p12
openssl pkey -in identity.tmp -out key.tmp
openssl crl2pkcs7 -nocrl -certfile identity.tmp | openssl pkcs7 -print_certs -out chain.pem
cp key.tmp key.pem
openssl pkcs8 -topk8 -in key.tmp -v2 aes-256-cbc -passout pass:keypass -out key-pbes2.pem
openssl pkcs8 -topk8 -in key.tmp -v1 PBE-MD5-DES -provider legacy -provider default -passout pass:keypass -out key-pbe-md5-des.pem
openssl ec -in key.tmp -out key-ec.pem 2>/dev/null
openssl ec -in key.tmp -aes128 -passout pass:keypass -out key-ec-encrypted.pem 2>/dev/null
rm -f ./*.tmp
