"""The words that engineers and programs have for secrets, and the words that stand behind them without being any.

English, German, French, Spanish, Italian, Polish and Dutch; in small letters, as texts are looked through.
"""

from typing import Final

from .span import SecretKind

_OF_DOORS: Final = (
    *("toegangscode", "code d'accès", "code d'acces", "codice di accesso", "código de acceso", "codigo de acceso", "kod dostępu"),
    *("door code", "gate code", "alarm code", "access code", "entry code", "safe combination", "lock combination", "combination"),
    *("safe code", "lock code", "türcode", "türkode"),
)
ANYWHERE: Final = (
    *("password", "passwort", "passwd", "passphrase", "pass phrase", "pass-phrase", "pass word", "passcode", "pass code", "paswoord"),
    *("kennwort", "kennwörter", "passwörter", "losungswort", "mot de passe", "mots de passe", "contraseña", "contrasena", "contrasenya"),
    *(
        "wachtwoord",
        "lösenord",
        "losenord",
        "hasło",
        "haslo",
        "hasła",
        "hasla",
        "senha",
        "parola d'ordine",
        "parola chiave",
        "parola segreta",
    ),
    *(
        "apikey",
        "api key",
        "api_key",
        "api-key",
        "api.key",
        "secretkey",
        "secret_key",
        "secret-key",
        "accesskey",
        "access_key",
        "access-key",
    ),
    *(
        "access key",
        "secret key",
        "sharedkey",
        "shared key",
        "shared_key",
        "shared secret",
        "shared-secret",
        "pre-shared key",
        "pre-shared-key",
        "preshared key",
    ),
    *("presharedkey", "preshared-key", "preshared_key", "pre_shared_key", "pre-sharedkey", "pre shared key", "pre-shared secret"),
    *("keymaterial", "key material", "key content", "schlüsselinhalt", "sharedaccesskey", "accountkey", "account key", "account_key"),
    *("wifi key", "wi-fi key", "wlan key", "wlan-key", "wifi-key", "wpa key", "wpa2 key", "wep key", "network key", "security key"),
    *("network security key", "encryption key", "master key", "masterkey", "signing key", "private_key", "private key", "privatekey"),
    *("client secret", "client_secret", "client-secret", "clientsecret", "subscription-key", "subscription key", "app secret", "appsecret"),
    *("bindpw", "bindpass", "storepass", "keypass", "sapwd", "sapassword", "psksecret", "requirepass", "cpassword", "userpwd", "rootpw"),
    *("adminpw", "dbpass", "dbpw", "smtppass", "userpass", "authtoken", "auth_token", "auth-token", "accesstoken", "access_token"),
    *("refresh_token", "refreshtoken", "id_token", "wlan-schlüssel", "wlan schlüssel", "netzwerkschlüssel", "sicherheitsschlüssel"),
    *("netzwerksicherheitsschlüssel", "zugangsschlüssel", "wifi-schlüssel", "zugangscode", "clé wifi", "clé wi-fi", "clé wpa", "clé api"),
    *("clé de sécurité", "clé réseau", "clave wifi", "clave del wifi", "chiave wifi", "chiave wi-fi", "chiave di rete", "chiave api"),
    *("wifi-sleutel", "wifi sleutel", "wifisleutel", "netwerksleutel", "klucz wifi", "klucz wi-fi", "klucz sieciowy", "klucz api"),
    *_OF_DOORS,
    *(
        "wifi code",
        "wi-fi code",
        "wlan code",
        "wlan-code",
        "wifi-code",
        "code wifi",
        "secret answer",
        "security answer",
        "question answer",
        "masterauth",
    ),
    *(
        "sicherheitsantwort",
        "server key",
        "radius key",
        "tacacs key",
        "tacacs+ key",
        "ike key",
        "group key",
        "vpn key",
        "preshare",
        "antwort auf die sicherheitsfrage",
    ),
    *("key-string", "key-chain", "consumer secret", "bot token", "webhook secret", "signing secret", "wachtzin", "mot-de-passe"),
    *("schlüssel für das wlan", "schlüssel fürs wlan", "key for the wifi", "key for wifi", "clef wifi", "clé du wifi", "chiave del wifi"),
)
"""What is one wherever it stands in a word."""
ALONE: Final = (
    *("pass", "pw", "p/w", "pwd", "psk", "pin", "pincode", "pin-code", "secret", "token", "creds", "cred", "credential", "credentials"),
    *("mdp", "m.d.p", "clave", "pwort", "losung", "community", "rocommunity", "rwcommunity", "cvv", "cvc", "cvv2", "puk", "passw", "pword"),
    *("segreto", "codice pin", "code pin", "geheimnis", "zugangsdaten", "anmeldedaten", "pass.", "pw.", "passwrd", "pasword", "passowrd"),
    *("wpa-psk", "wpa2-psk", "wpapsk", "kluczem", "storepw", "pswd", "psw", "pws", "pins", "signature key", "parola", "wpa2", "wpa3"),
)
"""What is one only as a word, or as a part of a name (`DB_PASS`, `smtpPass`)."""
STRICT: Final = frozenset(
    {"wpa2", "wpa3", "community", "creds", "cred", "credential", "credentials", "zugangsdaten", "anmeldedaten", "cvv", "cvc", "cvv2"}
)
"""Those of which a plain word is one only behind a sign (`:`, `=`) or in a setting."""
NUMBERS: Final = frozenset(
    {"pin", "pincode", "pin-code", "pins", "code pin", "codice pin", "puk", "cvv", "cvc", "cvv2", "zugangscode", "passcode", "pass code"}
    | {*_OF_DOORS}
)
"""Those whose value is a number as a rule."""
KINDS: Final = {
    "key": SecretKind.KEY,
    "token": SecretKind.TOKEN,
    "schlüssel": SecretKind.KEY,
    "sleutel": SecretKind.KEY,
    "klucz": SecretKind.KEY,
}
"""By what a name has in it; else it is a password."""

_SAID_OF_THEM: Final = """
level
after before passwords secrets tokens mismatch str int bool bytes any none await async lambda function return void var let const edition
version move move. migration update upgrade install installation sign-in. user. login. yesterday today tomorrow monday tuesday wednesday
thursday friday saturday sunday week weeks month months year years hour hours minute minutes morning afternoon evening night time twice
thrice several few own because although while since till per via about against along among around behind beside beyond down near onto past
through toward under upon also always ever often rarely seldom sometimes usually maybe perhaps please thanks thank hello hi regards best
dear ask told tell tells think thinks thought know knows known want wants wanted seem seems came come comes become look looks looked turn
turned help helped start started stop stopped open opened close closed show showed see saw seen use make makes build built run runs ran
keep kept lets put puts bring brought sie ihm ihn uns euch wir hier dort heute gestern morgen montag dienstag mittwoch donnerstag freitag
samstag sonntag woche monat jahr stunde danke bitte hallo gruß grüße nutzer kollege kollegin firma gerät rechner drucker konto anmeldung
dienst server system tresor zertifikat problem cause reason attached below voici ici aquí ecco oto following question role roles notes
host url group department comment description title status address ip domain aes tkip ccmp enterprise personal psk eap sae 1password key
keys ascii ascii-text enc hex reg_sz set-key cipher irreversible-cipher plaintext a above accepted access account accounts active adapter
added admin's again age agent agents ago all allowed already an and answer app apparently applied are as asked asking asks at attack
attacks attempt attempts audience audit auditing auth authentication authenticator available back bad based be been being between
bitwarden blank block blocked both bound box breach breaches bucket but by cache cached call can cannot case caused center centre change
changed changes changing check checked chosen clear cleared client college column common complex complexity compliant compromised confirm
confirmation confirmed connector connectors contains copied correct correctly could count counts credentials current currently dashlane
days default denied dialog dialogue did didn't different disabled displayed do does doesn't don't done due dump during each either email
empty enabled encoded encrypted endpoint ends enforced engineer engineers enter entered entry envelope error every exact exceeded exists
expiration expire expired expires expiring expiry exposed fail failed failing fails failure false field file filed files filter filters
fine first fixed for forgot forgotten forum found free from full gave generated generator gets getting given goes gone good got had handed
happened hard hardcoded has hash hashes hashing hasn't have having he her here hers hidden hint his history hold holder how however hudu i
id ids if ignored immediately in inactive incorrect incorrectly info input inside instead intact intended into introspection invalid is
isn't issue issuer issues it itglue its itself just keepass keeper kerberos keychain label last lastpass later ldap leader leaked leave
left length less lessness letters lifetime lifetimes like limit limits lines link list local lock locked lockout log login logins logon
lost lowercase made mail managed manager managers many masked match matched matches matching maximum may me meanwhile meets member members
might min minimum missing mode more most must my myglue n/a name names need needed needs neither never new newly next nil no nobody nor
normal not nothing now ntlm null number oauth obtained of off ok okay old on once one only option optional or original other otherwise our
out outdated over owner pad pads page parameter part passportal phone policies policy port portal ports possibly prompt prompted prompts
properly protected protection provided provider providers public questions quickly quite rack rather read ready received recently recorded
recovery redacted refused rejected remembered reminder removed renewed repeated replaced request requested requests require required
requirement requirements requires reset resets resetted resetting response restored retry returned returns reuse reused revoked right ring
rotated rotation rules safe safely same saml santa sauce sauces save saved saves says scanning scope scopes screen seconds security
self-service send sent service services session set sets setting settings shared sharepoint shares she should shown shows sign sign-in
signal signin signing simple size sizes sms so some somebody somehow someone something somewhere soon spn spray spraying stealer sticker
still storage store stored stores storing strength string strings strong stuck submitted succeeded such support supposed sync synced
synchronization synchronized syncs take taken taking teams temp temporary text than that that's the their them themselves then there
therefore these they they're this those though times to too tool tried true truncated type typed typing ui unable unchanged unexpected
unexpectedly unique unknown unless unlocked unset until up updated updates uppercase us used user user's username users uses using valid
validated validation value values vanished vault vector vectors verification verified very violated visible was wasn't we weak well went
were what when whenever where whether which who whole whose why will window with within without won't word wordlist words work worked
working works worthless would writeback written wrong x yes yet you your yours zero aber abfrage abgefragt abgelaufen abgelehnt ablauf
aktiviert aktualisiert akzeptiert alle als am angefordert angepasst auf aus ausgelaufen bei beim benutzer bleibt da dann das dass
deaktiviert dem den der des die doch ein eine einem einen einer eingabe eingeben eingegeben er erforderlich erneut erzwungen es falsch
fehlerhaft fehlt funktioniert für gab gesetzt gespeichert gesperrt geändert gültig hat hatte hinterlegt ihr ihre ihrem ihren im ist ja
jetzt kann kein keine konnte korrekt kunde kunden lautet leer lief liegt läuft manuell mehr mit mitgeteilt muss nach neu neue neues nicht
nie noch nochmal nun nur nötig oder ohne richtig richtlinie richtlinien sein seine seit sich sind soll steht stimmt synchronisiert um
unbekannt und ungültig unverändert verfällt vergabe vergessen verloren verschickt vom von vor war weg werden wie wieder wird wurde wurden
zu zum zur zurück zurückgesetzt zurücksetzen zurückzusetzen zwischen ändern änderung änderungen über übermittelt aan actual actuel al ale
alleen anche ancien ani antigua attuale au aux avec bij bloccata bloqueada bo bon być było błędne c'est caducada caducó cambiada cambiata
ce ces changé che ci co como con correcta correcto corretta czy dal dalla dans dat de dei del dell della deze di dimenticata dimenticato
dit dla door du e een el ella elle en encore era errata est esta está et expirada expirado expiré fue geblokkeerd gebruiker geen geweigerd
gewijzigd ha haar han heeft het hij hun ich ik il incorrecta incorrecto ingesteld invalide inválida jak jako je jednak jest juist już kan
klopt komt la las le les leur lo los lub ma maar mais mauvais met mi mijn modifié moet más même na naar ne nel nella niepoprawne
nieprawidłowe niet nieuw nieuwe niż nog non nous nowe nu nueva nuova o obbligatoria obligatoire od olvidada olvidado olvidó om onjuist ont
ook op opgeslagen opnieuw oraz ou oublié oubliée par para pas perdu pero più plus po pod poprawne por porque pour provisoire przez qu'il
que qui refusé requis resetten richiesta réinitialiser réinitialisé sa salvata sbagliata scaduta se ses si sin się son sono sont su sua
sur sus są tak te temporaire temporal temporanea też tijdelijk tijdelijke toe tot tra trop tylko tymczasowe uit un una une usuario utente
użytkownik użytkownika vacía van vereist vergeten verloopt verlopen voor vous w wat weer wel wordt wygasa wygasło wymagane y ya z za
zapomniane ze zij zijn zmiana zmienione zmienić zo zostało zresetowane złe à è était être
"""
NOT_ONE: Final = frozenset(_SAID_OF_THEM.split())
"""What may stand behind such a word without being a secret: what is said of secrets, and what they belong to."""
